"""The models: what may be left out, what is refused, and in which words."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from bmnas.errors import GenotypeError
from bmnas.genotype import Cell, Genotype, Step, from_dict

SHORT: dict[str, Any] = {
    "representation": {"channels": 16, "length": 4},
    "features": [
        {"name": "Video_3", "modality": "Video", "channels": 2048},
        {"name": "Skeleton_4", "modality": "Skeleton", "channels": 512},
    ],
    "cells": [
        {
            "inputs": ["Video_3", "Skeleton_4"],
            "steps": [{"op": "Attention", "inputs": ["x", "y"]}, {"op": "Sum", "inputs": ["Step_1", "x"]}],
        },
        {"inputs": ["Cell_1", "Video_3"], "steps": [{"op": "LinearGLU", "inputs": ["x", "y"]}]},
    ],
}


def changed(**changes: Any) -> dict[str, Any]:
    """`SHORT` with values set at paths such as ``cells__0__steps__1__op``; ``...`` removes."""
    data = copy.deepcopy(SHORT)
    for path, value in changes.items():
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("__"))
        place: Any = data
        for part in parents:
            place = place[part]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return data


def test_defaults_are_filled_in():
    genotype = from_dict(SHORT)
    assert genotype.format == "bmnas/1"
    assert genotype.dialect == "official"
    assert [cell.name for cell in genotype.cells] == ["Cell_1", "Cell_2"]
    assert [step.name for step in genotype.cells[0].steps] == ["Step_1", "Step_2"]
    assert genotype.cells[0].output == ("Step_1", "Step_2")
    assert genotype.output == ("Cell_1", "Cell_2")
    assert genotype.head is None


def test_a_genotype_from_python_objects_equals_the_one_from_data():
    cells = (
        Cell(
            inputs=("Video_3", "Skeleton_4"),
            steps=(Step(op="Attention", inputs=("x", "y")), Step(op="Sum", inputs=("Step_1", "x"))),
        ),
        Cell(inputs=("Cell_1", "Video_3"), steps=(Step(op="LinearGLU", inputs=("x", "y")),)),
    )
    built = Genotype(
        representation=SHORT["representation"], features=SHORT["features"], cells=cells, output=("Cell_1", "Cell_2")
    )
    assert built == from_dict(SHORT)
    assert hash(built) == hash(from_dict(SHORT))


def test_a_genotype_cannot_be_changed():
    genotype = from_dict(SHORT)
    with pytest.raises(ValidationError, match="frozen"):
        genotype.dropout = 0.5


def test_features_alone_can_be_the_output():
    genotype = from_dict(changed(cells=[], output=["Video_3", "Skeleton_4"]))
    assert genotype.cells == ()


MULTI_HEAD = {"cells__0__steps__0__op": "MultiHeadAttention"}
BROKEN: dict[str, dict[str, Any]] = {
    "cells[0].steps[0].op is 'Atention', which is not an operation; did you mean 'Attention'?": {
        "cells__0__steps__0__op": "Atention"
    },
    "cells[0].inputs[1] reads 'Skeletn_4', which is not a feature or an earlier cell; did you mean 'Skeleton_4'?": {
        "cells__0__inputs__1": "Skeletn_4"
    },
    "cells[0].inputs[1] reads 'Cell_2', which does not come before it": {"cells__0__inputs__1": "Cell_2"},
    "cells[0].inputs[0] reads 'Cell_1', which does not come before it": {"cells__0__inputs__0": "Cell_1"},
    "cells[0].steps[0].inputs[0] reads 'Step_2', which does not come before it": {
        "cells__0__steps__0__inputs__0": "Step_2"
    },
    "cells[0].steps[1].inputs[0] reads 'Step_7', which is not an input of the cell or an earlier step": {
        "cells__0__steps__1__inputs__0": "Step_7"
    },
    "cells[0].steps[0].inputs[1] reads 'z', which is not an input of the cell": {"cells__0__steps__0__inputs__1": "z"},
    "cells[0].steps[0].inputs has 4, but Attention takes two to three inputs": {
        "cells__0__steps__0__inputs": ["x", "y", "x", "y"]
    },
    "cells[1].steps[0].inputs has 3, but LinearGLU takes two inputs": {"cells__1__steps__0__inputs": ["x", "y", "x"]},
    "cells[0].steps[1].inputs has 1, but Sum takes two or more inputs": {"cells__0__steps__1__inputs": ["x"]},
    "cells[0].steps[0].heads is not an option of Attention, which has none": {"cells__0__steps__0__heads": 2},
    "cells[0].steps[0].hads is not a key of a step; did you mean 'heads'?": MULTI_HEAD
    | {"cells__0__steps__0__hads": 2},
    "cells[0].steps[0].heads is 0: it should be greater than or equal to 1": MULTI_HEAD
    | {"cells__0__steps__0__heads": 0},
    "cells[0].steps[0].heads is '2': it should be a valid integer": MULTI_HEAD | {"cells__0__steps__0__heads": "2"},
    "cells[0].steps[0].heads is 3, which does not divide the representation's 16 channels; 1, 2, 4, 8, 16 would": (
        MULTI_HEAD | {"cells__0__steps__0__heads": 3}
    ),
    "cells[0].steps is empty, so output must name the inputs to put together": {"cells__0__steps": []},
    "cells[0].steps[1].name is 'x', which is the name of an input of the cell": {"cells__0__steps__1__name": "x"},
    "cells[0].steps[1].name is 'Step_1', which an earlier step has": {"cells__0__steps__1__name": "Step_1"},
    "cells[0].output[0] names 'Step_9', which is not a node of the cell": {"cells__0__output": ["Step_9"]},
    "cells[0].output[1] names 'x' again": {"cells__0__output": ["x", "x"]},
    "cells[1].name is 'Cell_1', which an earlier cell or a feature has": {"cells__1__name": "Cell_1"},
    "features[1].name is 'Video_3', which an earlier feature has": {"features__1__name": "Video_3"},
    "features[0].reshape is 'grid', which needs a square length (4, 9, 16, ...), not 8": {
        "features__0__reshape": "grid",
        "representation__length": 8,
    },
    "features[0].channels is 2048, but a feature with reshape 'none' has the representation's 16": {
        "features__0__reshape": "none"
    },
    "features[0].channels is '512': it should be a valid integer": {"features__0__channels": "512"},
    "features[0].channels is true": {"features__0__channels": True},
    "features[0].name is 'a\\nb', which has a character that cannot be printed": {"features__0__name": "a\nb"},
    "features is missing": {"features": ...},
    "features[0].chanels is not a key of a feature; did you mean 'channels'?": {"features__0__chanels": 3},
    "cells[0].stps is not a key of a cell; did you mean 'steps'?": {"cells__0__stps": []},
    "cells[0].input is not a key of a cell; did you mean 'inputs'? (and 1 more problem)": {
        "cells__0__input": [],
        "cells__0__inputs": ...,
    },
    "cells[0].inputs is ['Video_3']: it should have at least 2 items": {"cells__0__inputs": ["Video_3"]},
    "cells is 7: it should be a valid list": {"cells": 7},
    "cells is empty, so output must name the features to put together": {"cells": []},
    "output is []: it should have at least 1 item": {"output": []},
    "output[0] names 'Cell_3', which is not a cell or a feature; did you mean 'Cell_2'?": {"output": ["Cell_3"]},
    "dialect is 'offical': it should be 'official' or 'paper'": {"dialect": "offical"},
    "format is 'bmnas/2': it should be 'bmnas/1'": {"format": "bmnas/2"},
    "dropout is 1.0: it should be less than 1": {"dropout": 1.0},
    "representation.channels is 0: it should be greater than or equal to 1": {"representation__channels": 0},
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_broken_genotype_is_refused_in_one_sentence(sentence):
    with pytest.raises(GenotypeError) as caught:
        from_dict(changed(**BROKEN[sentence]), "g.json")
    assert str(caught.value).startswith(f"g.json: {sentence}")
    assert "\n" not in str(caught.value)


def test_channels_can_be_supplied():
    genotype = from_dict(changed(features__0__channels=...))
    assert genotype.feature("Video_3").channels is None
    supplied = genotype.with_channels({"Video_3": 2048, "Skeleton_4": 7})
    assert supplied.feature("Video_3").channels == 2048
    assert supplied.feature("Skeleton_4").channels == 512


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(GenotypeError, match="and 5 more problems") as caught:
        from_dict(
            changed(
                cells__0__steps__0__op="Atention",
                cells__0__steps__1__inputs__0="Step_9",
                cells__1__inputs__1="Video3",
                features__0__channels=-1,
                dropout=2,
                output=["Cell_3"],
            )
        )
    assert sorted(place for place, _ in caught.value.problems) == [
        "cells[0].steps[0].op",
        "cells[0].steps[1].inputs[0]",
        "cells[1].inputs[1]",
        "dropout",
        "features[0].channels",
        "output[0]",
    ]


def problems(**changes):
    with pytest.raises(GenotypeError) as caught:
        from_dict(changed(**changes))
    return [f"{place} {text}" for place, text in caught.value.problems]


def test_nothing_is_told_that_only_follows_from_something_else():
    misspelt = problems(features__0__chanels=1, features__1__chanels=1)
    assert [text.split()[0] for text in misspelt] == ["features[0].chanels", "features[1].chanels"]
    assert problems(features=...) == ["features is missing"]


def test_what_would_be_right_is_shown():
    assert problems(head=7) == ['head is 7: it should be an object such as {"outputs": 60}']
    assert problems(cells__0__output="Step_2") == ["cells[0].output is 'Step_2': it should be a list, ['Step_2']"]
    assert problems(cells__0__steps__1__inputs=["Step_1", "Video_3"]) == [
        "cells[0].steps[1].inputs[1] reads 'Video_3', which is called 'x' inside the cell"
    ]
    assert problems(name="") == ["name is '': it should have at least 1 character"]
    assert problems(cells__1__steps__0__op=..., cells__1__steps__0__operation="Sum")[0] == (
        "cells[1].steps[0].operation is not a key of a step; known: 'name', 'op', 'inputs'"
    )


def test_replace_checks_the_whole():
    genotype = from_dict(SHORT)
    cell = Cell(inputs=("Video_3", "Skeleton_4"), steps=(Step(op="Sum", inputs=("x", "y")),))
    other = genotype.replace(dropout=0.5, head={"outputs": 3}, cells=(cell,), output=["Cell_1"])
    assert (other.dropout, other.head.outputs, other.cells[0].name) == (0.5, 3, "Cell_1")
    assert other.features == genotype.features
    with pytest.raises(GenotypeError, match=r"output\[1\] names 'Cell_2', which is not a cell or a feature"):
        genotype.replace(cells=genotype.cells[:1])


def test_options_are_completed_and_belong_to_the_value():
    step = Step(op="MultiHeadAttention", inputs=("x", "y"))
    assert step.options == {"heads": 2}
    assert step == Step(op="MultiHeadAttention", inputs=("x", "y"), heads=2)
    assert step != Step(op="MultiHeadAttention", inputs=("x", "y"), heads=4)
    assert Step(op="Sum", inputs=("x", "y")).options == {}
    with pytest.raises(ValidationError, match="frozen"):
        step.heads = 4


def test_a_cell_without_steps_puts_its_inputs_together():
    genotype = from_dict(changed(cells__1__steps=[], cells__1__output=["y", "x"]))
    assert genotype.cells[1].steps == ()
    assert genotype.cells[1].output == ("y", "x")
