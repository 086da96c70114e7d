"""Whatever a file contains, it is a genotype that works or it is refused in one clear sentence, soon."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st
from pydantic import ValidationError

from bmnas.errors import GenotypeError
from bmnas.genotype import Genotype, dumps, from_dict, load, loads
from bmnas.genotype.checks import Patience
from bmnas.genotype.graph import depth, path_counts, to_graph
from bmnas.genotype.lint import lint
from bmnas.genotype.problems import LIMIT, LONGEST
from bmnas.genotype.schema import Cell, Step
from tests.genotype.test_schema import SHORT, changed
from tests.strategies import genotypes

NASTY_TEXT = [
    "",
    " ",
    "x",
    "Step_1",
    "Cell_1",
    "\"]; os.system('x') #",
    "<script>alert(1)</script>",
    "\\N",
    "%s{}{0.__class__}",
    "a\nb",
    "\x00",
    "\x1b[31m",
    "\u202egnp",
    "\u2028",
    "\ud800",
    "e\u0301",
    "🎬",
    "__proto__",
    "../../etc/passwd",
    "x" * 201,
    "x" * 5000,
]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([10**20, -(10**300), 2**31, 65_537, 10**4000]),
    st.floats(),
    st.sampled_from(NASTY_TEXT),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
)
DOCUMENTS = st.recursive(
    JUNK,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*Genotype.model_fields, *Cell.model_fields, *Step.model_fields, "heads", *NASTY_TEXT]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


def places(data: Any) -> list[tuple[Any, Any]]:
    """(container, key or index) of everything inside plain data."""
    found: list[tuple[Any, Any]] = []
    waiting = [data]
    while waiting:
        container = waiting.pop()
        for key in list(container) if isinstance(container, dict) else range(len(container)):
            found.append((container, key))
            if isinstance(container[key], dict | list):
                waiting.append(container[key])
    return found


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A genotype's data, with one to three things removed, replaced, repeated, renamed or exchanged."""
    data = draw(genotypes()).model_dump(mode="json")
    for _ in range(draw(st.integers(1, 3))):
        if not (everywhere := places(data)):
            break
        container, key = draw(st.sampled_from(everywhere))
        match draw(st.sampled_from(["remove", "replace", "repeat", "add", "exchange"])):
            case "remove":
                del container[key]
            case "replace":
                container[key] = draw(DOCUMENTS)
            case "repeat" if isinstance(container, list):
                container *= draw(st.sampled_from([2, 10, 300]))
            case "add" if isinstance(container, dict):
                container[draw(st.sampled_from([*NASTY_TEXT, "heads", "input"]))] = draw(DOCUMENTS)
            case _:
                # A name in the place of another makes references to nothing, to later nodes, and cycles.
                other, index = draw(st.sampled_from(everywhere))
                if index in other if isinstance(other, dict) else index < len(other):
                    container[key] = json.loads(json.dumps(other[index]))
    return data


def check(text: str) -> None:
    """A text is a genotype that everything works with, or is refused in one sentence."""
    try:
        genotype = loads(text)
    except GenotypeError as error:
        assert_one_sentence(error)
        return
    assert isinstance(path_counts(genotype), dict)
    assert depth(genotype) <= 2 * len(to_graph(genotype))
    assert all(str(finding).isprintable() for finding in lint(genotype))
    if all(feature.channels is not None for feature in genotype.features):
        assert loads(dumps(genotype)) == genotype


def assert_one_sentence(error: GenotypeError) -> None:
    assert str(error).startswith("genotype: ")
    assert len(error.problems) <= LIMIT
    for sentence in (str(error), *(f"{place} {text}" for place, text in error.problems)):
        assert sentence.isprintable()
        assert 8 < len(sentence) < 1000


def test_a_key_that_cannot_be_printed_is_told_so_that_it_can():
    check(json.dumps(changed(cells__0__steps__0={"op": "Sum", "inputs": ["x", "y"], "a\nb": None})))


@settings(deadline=None)
@given(damaged())
def test_a_damaged_genotype(data):
    check(json.dumps(data))


@settings(deadline=None)
@given(DOCUMENTS)
def test_any_json(data):
    check(json.dumps(data))


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf{}")
@example(b"\xed\xa0\x80")
@example(b"{\x00}")
def test_any_bytes(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.json"
    path.write_bytes(content)
    with pytest.raises(GenotypeError) as caught:
        load(path)
    assert str(caught.value).removeprefix(f"{path}: ").isprintable()


@settings(deadline=None)
@given(genotypes(), st.data())
def test_a_text_that_is_cut_or_has_a_letter_too_many(genotype, data):
    text = dumps(genotype)
    cut = data.draw(st.integers(0, len(text) - 2))
    with pytest.raises(GenotypeError) as caught:
        loads(text[:cut])
    assert_one_sentence(caught.value)
    check(text[:cut] + data.draw(st.sampled_from('"{}[],:0e-\\ \n\x00')) + text[cut:])


def step(op: str, *inputs: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "inputs": list(inputs), **more}


def cells(count: int, steps: list[Any]) -> dict[str, Any]:
    return changed(cells=[{"inputs": ["Video_3", "Skeleton_4"], "steps": steps}] * count)


ALIKE = "abcdefghij" * 19
DIGITS = "9" * 4000
WORST = {
    "brackets": "[" * 2**20,
    "braces": '{"a":' * 2**17,
    "nested within what may be read": json.dumps(changed(cells=[])).replace("[]", "[" * 900 + "]" * 900, 1),
    "an infinite number": json.dumps(changed(dropout=0.5)).replace("0.5", "1e400"),
    "a number of 4,000 digits": json.dumps(changed(dropout=0.5)).replace("0.5", DIGITS),
    "a size of 4,000 digits": json.dumps(changed(representation__length=77)).replace("77", DIGITS),
    "a name of 900,000 letters": json.dumps(changed(name="x" * 900_000)),
    "an operation of 900,000 letters": json.dumps(changed(cells__0__steps__0__op="x" * 900_000)),
    "a key of 900,000 letters": json.dumps(changed() | {"x" * 900_000: 0}),
    "100,000 keys": json.dumps(changed() | {f"k{i}": 0 for i in range(80_000)}),
    "100,000 keys in a step": json.dumps(cells(1, [step("Sum", "x", "y", **{f"k{i}": 0 for i in range(80_000)})])),
    "a key twice, at the end of many": "{" + ",".join(f'"{i}":0' for i in range(100_000)) + ',"99999":0}',
    "10,000 cells": json.dumps(cells(10_000, [step("Sm", "q")])),
    "10,000 features": json.dumps(changed(features=[SHORT["features"][0]] * 10_000)),
    "10,000 steps": json.dumps(cells(1, [step("Sm", "q")] * 10_000)),
    "wrong steps everywhere": json.dumps(cells(200, [step(f"A{i}", "x") for i in range(150)])),
    "empty steps everywhere": json.dumps(cells(250, [{}] * 256)),
    "null everywhere": json.dumps(changed(features=[None] * 4096, cells=[None] * 256, output=[None] * 4000)),
    "names of 195 letters, all alike, and none right": json.dumps(
        changed(
            features=[{"name": f"{ALIKE}{i:05}", "modality": "A"} for i in range(3000)],
            cells=[{"inputs": [f"{ALIKE[::-1]}{i}", f"{ALIKE}q{i}"], "steps": []} for i in range(256)],
            output=[f"{ALIKE}z{i}" for i in range(400)],
        )
    ),
}


@pytest.mark.parametrize("what", WORST)
def test_the_worst_files_are_refused_in_one_sentence(what):
    with pytest.raises(GenotypeError) as caught:
        loads(WORST[what])
    assert_one_sentence(caught.value)


def test_where_much_is_wrong_the_first_problems_are_told_with_their_places():
    with pytest.raises(GenotypeError) as caught:
        from_dict(changed(cells=[None] * 100 + SHORT["cells"] * 50))
    assert [place for place, _ in caught.value.problems] == [f"cells[{i}]" for i in range(LIMIT)]


def test_validation_loses_patience_with_items_that_are_wrong():
    for data in (changed(features=[None] * 4096, cells=[None] * 256), cells(250, [{}] * 256)):
        with pytest.raises(ValidationError) as caught:
            Genotype.model_validate(data, context=Patience(LIMIT))
        assert LIMIT <= caught.value.error_count() <= 3 * LIMIT


def test_the_longest_lists_are_those_of_the_schema():
    for model, keys in ((Genotype, ("features", "cells")), (Cell, ("steps",)), (Step, ("inputs",))):
        for key in keys:
            (most,) = (rule.max_length for rule in model.model_fields[key].metadata if hasattr(rule, "max_length"))
            assert LONGEST[key] == most


@pytest.mark.parametrize(("key", "count"), [("features", 4097), ("cells", 257), ("output", 4353)])
def test_a_list_that_is_too_long_says_how_long_it_may_be(key, count):
    item = {"features": SHORT["features"][0], "cells": SHORT["cells"][0], "output": "Cell_1"}[key]
    with pytest.raises(GenotypeError, match=f"^genotype: {key} has {count} items, but may have at most {count - 1}$"):
        from_dict(changed(**{key: [item] * count}))


PRINTABLE = [name for name in NASTY_TEXT if name.isprintable() and 0 < len(name) <= 200]


@pytest.mark.parametrize("name", PRINTABLE)
def test_a_name_that_looks_like_code_stays_text(name):
    features = [dict(SHORT["features"][0], name=name, modality=name), SHORT["features"][1]]
    cell = {"name": f"{name}!", "inputs": [name, "Skeleton_4"], "steps": [step("Sum", "x", "y", name=f"{name}?")]}
    genotype = from_dict(changed(features=features, cells=[cell], name=name))
    assert loads(dumps(genotype)) == genotype
    assert loads(dumps(genotype)).features[0].name == name
    assert path_counts(genotype)[name] == 2
    (finding,) = lint(with_a_second_step(genotype))
    assert finding.name == f"{name}! / again"
    assert finding.problem == f"computes the same as {name}?, without weights"


def with_a_second_step(genotype: Genotype) -> Genotype:
    data = genotype.model_dump(mode="json")
    data["cells"][0]["steps"].append(step("Sum", "x", "y", name="again"))
    data["cells"][0]["output"].append("again")
    return from_dict(data)


@pytest.mark.parametrize("name", sorted(set(NASTY_TEXT) - set(PRINTABLE) - {""}))
def test_a_name_that_cannot_be_printed_or_is_too_long_is_refused(name):
    with pytest.raises(GenotypeError, match=r"^genotype: features\[0\]\.name is ") as caught:
        loads(json.dumps(changed(features__0__name=name)))
    assert_one_sentence(caught.value)
