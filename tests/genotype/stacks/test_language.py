"""The file of encoder-decoder genotypes: read and written, refused, hashed, compared, drawn, converted."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

import bmnas
from bmnas.errors import BmnasError, GenotypeError
from bmnas.genotype import json_schema, published
from bmnas.genotype.canonical import canonical_hash
from bmnas.genotype.diff import diff
from bmnas.genotype.drawing import to_dot, to_svg
from bmnas.genotype.lint import lint
from bmnas.genotype.stacks import BLOCKS, SequenceInput, StackGenotype, block_operation
from bmnas.genotype.stacks.presets import PRESETS
from bmnas.genotype.stacks.released import blocks_of, to_genotype, to_mmnas, to_openvqa
from bmnas.genotype.stacks.space import DECODER_POOL, ENCODER_POOL, StackSpace
from tests.genotype.stacks.made import genotypes, plain, small


@given(genotypes())
@settings(max_examples=60)
def test_what_is_written_is_read_again_and_fits_the_schema(genotype):
    text = bmnas.dumps(genotype)
    assert bmnas.loads(text) == genotype
    jsonschema.validate(json.loads(text), json_schema())


def test_both_kinds_are_in_one_schema_and_neither_takes_the_other():
    schema = json_schema()
    jsonschema.validate(json.loads(bmnas.dumps("ntu-1")), schema)
    for wrong in (plain(cells=[]), {**json.loads(bmnas.dumps("ntu-1")), "stacks": []}, plain(dialect="paper")):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_a_kind_is_said_or_is_that_of_fusion():
    fusion = json.loads(bmnas.dumps("ntu-1"))
    assert bmnas.from_dict({**fusion, "kind": "fusion"}) == bmnas.load("ntu-1")
    with pytest.raises(
        GenotypeError, match="kind is 'encoder', which is no kind of genotype; did you mean 'encoder-dec"
    ):
        bmnas.from_dict(plain(kind="encoder"))
    with pytest.raises(GenotypeError, match="kind is 3"):
        bmnas.from_dict(plain(kind=3))


def changed(change: Any) -> dict[str, Any]:
    data = copy.deepcopy(plain())
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda d: d["stacks"][0].update(blocks=["SelfAtention"]),
            r"stacks\[0\].blocks\[0\].op is 'SelfAtention'.*Self",
        ),
        (
            lambda d: d["stacks"][1].update(memory=None),
            r"stacks\[1\].blocks\[0\] is GuidedAttention, which looks at the end of an earlier stack: name it",
        ),
        (
            lambda d: d["inputs"][1].update(boxes=False),
            r"blocks\[1\] is RelationAttention, but the input 'R' has no boxes",
        ),
        (lambda d: d.update(head_width=5), "head_width is 5, which does not divide the width 16; 1, 2, 4, 8 would"),
        (lambda d: d["stacks"][1].update(memory="Dec"), r"stacks\[1\].memory is 'Dec', which does not come before it"),
        (lambda d: d["stacks"][1].update(reads="Enc"), "is not an input; a stack reads an input, and looks at another"),
        (lambda d: d["stacks"][1].update(reads="r"), "is 'r', which is not an input; did you mean 'R'"),
        (
            lambda d: d.update(output=["Enc", "Dek"]),
            r"output\[1\] names 'Dek', which is not a stack; did you mean 'Dec'",
        ),
        (lambda d: d.update(output=["Enc", "Enc"]), r"output\[1\] names 'Enc' again"),
        (lambda d: d["inputs"][0].update(channels=3), r"inputs\[0\].channels is of vectors, but tokens says"),
        (lambda d: d["inputs"][0].update(boxes=True), r"inputs\[0\].boxes is true, but a text has none"),
        (lambda d: d["inputs"][1].update(vocabulary=9), r"inputs\[1\].vocabulary is of a text"),
        (lambda d: d["inputs"][1].update(name="Q"), r"inputs\[1\].name is 'Q', which an earlier input has"),
        (
            lambda d: d["inputs"][1].update(name="R.boxes"),
            r"inputs\[1\].name is 'R.boxes', which is what boxes and sizes",
        ),
        (
            lambda d: d["stacks"][0].update(blocks=[{"op": "FeedForward", "kernel": 3}]),
            "kernel is not an option of Feed",
        ),
        (
            lambda d: d["stacks"][0].update(blocks=[{"op": "FeedForward", "factor": 0}]),
            "factor is 0: it should be greater",
        ),
        (
            lambda d: d["stacks"][0].update(blocks=[{"op": "SelfAttention", "head_width": 3}]),
            r"stacks\[0\].blocks\[0\].head_width is 3, which does not divide",
        ),
        (
            lambda d: d.update(head={"task": "match", "outputs": 3}),
            "head.outputs is 3, but only a head for answers has",
        ),
        (
            lambda d: d.update(head={"task": "ground"}, output=["Dec", "Enc"]),
            "head.task is 'ground', which says of each",
        ),
        (lambda d: d.update(widht=3), "widht is not a key of a genotype; did you mean 'width'"),
        (lambda d: d["stacks"][0].update(read="Q"), "read is not a key of a stack; did you mean 'reads'"),
        (
            lambda d: d["stacks"][0].update(blocks=["Identity"] * 1025),
            r"stacks\[0\].blocks has 1025 items, but may have",
        ),
        (lambda d: d.update(stacks=[]), "stacks is \\[\\]: it should have at least 1 item"),
    ],
)
def test_what_cannot_be_built_is_told_with_its_place(change, sentence):
    with pytest.raises(GenotypeError, match=sentence):
        bmnas.from_dict(changed(change))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["op", "name", "blocks", "reads"]), x),
    ),
    st.sampled_from(sorted(plain())),
)
@settings(max_examples=80)
def test_any_value_anywhere_gives_a_genotype_or_a_sentence(value, key):
    try:
        found = bmnas.from_dict(plain(**{key: value}))
    except GenotypeError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(found, bmnas.Genotype | StackGenotype)


@given(genotypes())
@settings(max_examples=60)
def test_names_order_and_what_is_not_used_make_no_difference_to_the_hash(genotype):
    data = genotype.model_dump()
    names = {"Enc": "zz", "Dec": "aa", "Aside": "mm"}
    for stack in data["stacks"]:
        stack["name"], stack["memory"] = names[stack["name"]], names.get(stack["memory"])
        stack["blocks"] = ["Identity", *stack["blocks"]]
    data["output"] = [names[name] for name in data["output"]]
    data["name"] = "other"
    data["inputs"] = [*data["inputs"], {"name": "unused", "modality": "M", "channels": 2, "length": 3}]
    assert canonical_hash(bmnas.from_dict(data)) == canonical_hash(genotype)
    wider = genotype.replace(width=32)
    assert canonical_hash(wider) != canonical_hash(genotype)


def test_an_own_head_width_that_is_the_usual_one_is_the_same_network():
    own = [{"op": "SelfAttention", "head_width": 8}, "FeedForward"]
    stacks = plain()["stacks"]
    assert canonical_hash(small(stacks=[{**stacks[0], "blocks": own}, stacks[1]])) == canonical_hash(small())


@given(genotypes(), genotypes())
@settings(max_examples=40)
def test_there_is_no_difference_exactly_between_equals(one, other):
    assert diff(one, one) == ()
    assert (diff(one, other) == ()) == (one == other)


def test_differences_name_blocks_by_their_place():
    other = small(stacks=[plain()["stacks"][0], {**plain()["stacks"][1], "blocks": ["GuidedAttention", "Identity"]}])
    (found,) = diff(small(), other)
    assert str(found).startswith("stacks[1].blocks[1] (Dec) is RelationAttention in the first, Identity in the second")
    assert str(diff(small(), bmnas.load("ntu-1"))[0]).startswith("kind is encoder-decoder in small, fusion in ntu-1")


def test_lint_tells_what_is_a_waste():
    codes = {
        each.code
        for each in lint(small(stacks=[*plain()["stacks"], {"name": "X", "reads": "R", "blocks": []}], output=["Dec"]))
    }
    assert codes == {"unused-stack", "no-direction"}
    late = small(
        stacks=[
            plain()["stacks"][0],
            {**plain()["stacks"][1], "blocks": ["SelfAttention", "FeedForward", "GuidedAttention"]},
        ]
    )
    assert {each.code for each in lint(late)} == {"late-memory"}
    alone = small(stacks=[{"name": "Enc", "reads": "Q", "blocks": ["FeedForward"]}])
    assert {each.code for each in lint(alone)} == {"no-mixing", "unused-input"}
    idle = small(
        stacks=[
            {"name": "E", "reads": "Q", "blocks": ["SelfAttention"]},
            {"name": "D", "reads": "R", "memory": "E", "blocks": ["SelfAttention", "Identity"]},
        ]
    )
    assert {each.code for each in lint(idle)} == {"unused-memory", "idle-block"}


@given(genotypes())
@settings(max_examples=15)
def test_any_genotype_is_drawn(genotype):
    for level in ("steps", "cells"):
        text = to_dot(genotype, level=level, orientation="portrait", theme="dark")
        assert text.startswith("digraph")


def test_a_picture_folds_runs_and_names_are_inert():
    stacks = [{"name": "<b>&", "reads": "Q", "blocks": ["FeedForward"] * 30}]
    svg = to_svg(small(stacks=stacks))
    assert "FeedForward × 30" in svg
    assert "<b>&" not in svg
    assert svg.count("FeedForward × 30</text>") == 1


@pytest.mark.parametrize("name", [name for name in published.every_name() if name not in published.names()])
def test_the_published_ones_go_out_and_in_again(name):
    genotype = bmnas.load(name)
    assert lint(genotype) == tuple(each for each in lint(genotype) if each.level == "note") or name != "mcan"
    again = to_genotype(blocks_of(to_mmnas(genotype, 7), epoch=7), genotype, name)
    assert canonical_hash(again) == canonical_hash(genotype)
    assert to_genotype(blocks_of(to_openvqa(genotype)), genotype, name) == genotype


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"epoch0": {"enc": [["std_conv_3"]], "dec": []}}', r"enc\[0\] is 'std_conv_3', which has no operation here"),
        ('{"epoch0": {"enc": [["SA", "GA"]], "dec": []}}', r"enc\[0\] has 2 operations whose results are added"),
        ('{"epoch0": {"enc": [], "dec": []}, "epoch9": {}}', "has the architectures of 2 epochs, 0 to 9; say which"),
        ('{"epoch0": {"enc": 3, "dec": []}}', "enc is 3, but should be a list"),
        ('{"cells": []}', "is no architecture of MMnas or openvqa"),
        ("{", "is not JSON|JSON"),
    ],
)
def test_architectures_that_cannot_be_read_are_told(text, sentence):
    with pytest.raises(GenotypeError, match=sentence):
        blocks_of(text)
    with pytest.raises(GenotypeError, match="has no epoch 3; it has 0"):
        blocks_of('{"epoch0": {"enc": [], "dec": []}}', epoch=3)


def space() -> StackSpace:
    return StackSpace(small(), ((ENCODER_POOL,) * 3, (DECODER_POOL,) * 2))


@given(st.integers(0, 2**3 * 4**2 - 1), st.integers(0, 10**6))
@settings(max_examples=50)
def test_the_space_is_numbered_and_changes_stay_in_it(index, seed):
    own = space()
    genotype = own[index]
    assert own.index(genotype) == index
    assert genotype in own
    rng = Random(seed)
    neighbour, other = own.mutate(genotype, rng), own.random(rng)
    assert sum(a != b for a, b in zip(own.digits(genotype), own.digits(neighbour), strict=True)) == 1
    child = own.crossover(genotype, other, rng)
    for digit, *parents in zip(own.digits(child), own.digits(genotype), own.digits(other), strict=True):
        assert digit in parents


def test_the_space_has_each_genotype_once():
    own = space()
    assert own.count == 2**3 * 4**2
    assert len({canonical_hash(own[number]) for number in range(own.count)}) == own.count
    assert len(set(map(own.index, own.neighbours(own[5])))) == 3 + 2 * 3
    assert small() not in own
    with pytest.raises(BmnasError, match="pools of 1"):
        StackSpace(small(), ((ENCODER_POOL,),))
    with pytest.raises(GenotypeError, match="RelationAttention, but the input 'Q' has no boxes"):
        StackSpace(small(), ((DECODER_POOL,), ()))


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets(name):
    inputs = [SequenceInput(**each) for each in plain()["inputs"]]
    genotype = PRESETS[name](inputs[::-1], width=16, head_width=8, outputs=4, layers=2)
    assert genotype.name == name
    assert [len(stack.blocks) for stack in genotype.stacks] == [4, 4 if name == "transformer" else 6]
    assert bmnas.loads(bmnas.dumps(genotype)) == genotype
    with pytest.raises(BmnasError, match="has two inputs, a text and regions, not 1"):
        PRESETS[name](inputs[:1])


def test_an_operation_of_ones_own(monkeypatch):
    monkeypatch.setattr(BLOCKS, "_members", dict(BLOCKS._members))

    @block_operation(reads="memory")
    class Mine:
        """Its equation."""

    stacks = [plain()["stacks"][0], {**plain()["stacks"][1], "blocks": ["Mine"]}]
    assert small(stacks=stacks).stacks[1].blocks[0].op == "Mine"
    assert BLOCKS["Mine"].equation == "Its equation."
    with pytest.raises(ValueError, match="there already is"):
        block_operation("Mine")(Mine)
    with pytest.raises(ValueError, match="reads 'self' or 'memory'"):
        block_operation("Other", reads="relations")(Mine)
