"""Warnings: each kind by an example, that clean genotypes have none, and that what they say is true."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from bmnas.genotype import OPERATIONS, Genotype, from_dict, operation, published
from bmnas.genotype.canonical import canonical_hash
from bmnas.genotype.graph import used_cells, used_features, used_steps
from bmnas.genotype.lint import Finding, findings, lint
from tests.genotype.test_schema import SHORT, changed
from tests.strategies import genotypes


def one_cell(*steps: tuple[str, ...], output: list[str] | None = None, **changes: object) -> Genotype:
    """A genotype of the two features of `SHORT` in one cell, whose steps are (operation, input, input, ...)."""
    cell = {"inputs": ["Video_3", "Skeleton_4"], "steps": [{"op": op, "inputs": inputs} for op, *inputs in steps]}
    if output:
        cell["output"] = output
    return from_dict(changed(cells=[cell]) | changes)


def told(genotype: Genotype) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in lint(genotype)]


def test_a_genotype_without_fault_has_no_warnings():
    assert lint(from_dict(SHORT)) == ()
    assert lint(one_cell(("Attention", "x", "y"), ("LinearGLU", "Step_1", "x"), output=["Step_2"])) == ()


PAPER = {"dialect": "paper"}
ZERO_THEN = ("Zero", "x", "y")
TOLD = {"provenance": {"canonical_hash": canonical_hash(from_dict(SHORT))}}
EXAMPLES: dict[str, tuple[Genotype, list[tuple[str, str]]]] = {
    "a genotype that was edited after a search wrote it": (
        from_dict(changed(cells__1__steps__0__op="ConcatFC") | TOLD),
        [("edited", "provenance")],
    ),
    "what was renamed only, and has still the same provenance": (from_dict(changed(name="mine") | TOLD), []),
    "a feature that nothing names": (
        from_dict(changed(features=[*SHORT["features"], {"name": "Video_1", "modality": "Video"}])),
        [("unnamed-feature", "features[2]")],
    ),
    "a cell that nothing reads, and the features that only it reads": (
        from_dict(changed(output=["Video_3"])),
        [
            ("unused-feature", "features[1]"),
            ("one-modality", "features"),
            ("unused-cell", "cells[0]"),
            ("unused-cell", "cells[1]"),
        ],
    ),
    "a step that nothing reads": (
        one_cell(("Attention", "x", "y"), ("ConcatFC", "x", "y"), output=["Step_2"]),
        [("unused-step", "cells[0].steps[0]")],
    ),
    "of what is not used only that": (
        one_cell(("Zero", "x", "y"), ("Max", "Step_1", "Step_1"), ("ConcatFC", "x", "y"), output=["Step_3"]),
        [("unused-step", "cells[0].steps[0]"), ("unused-step", "cells[0].steps[1]")],
    ),
    "an input that nothing reads": (
        one_cell(("Mul", "x", "x")),
        [("unused-feature", "features[1]"), ("one-modality", "features"), ("unread-input", "cells[0].inputs[1]")],
    ),
    "the same input twice": (
        from_dict(changed(cells__1__inputs=["Cell_1", "Cell_1"])),
        [("same-input", "cells[1].inputs[1]")],
    ),
    "features of one modality": (
        from_dict(changed(output=["Video_3"], cells=[])),
        [("unnamed-feature", "features[1]"), ("one-modality", "features")],
    ),
    "zero, and what it makes zero": (
        one_cell(ZERO_THEN, ("Mul", "Step_1", "x"), ("Mean", "Step_1", "Step_2"), ("ConcatFC", "Step_3", "y")),
        [("zero-step", f"cells[0].steps[{j}]") for j in range(3)],
    ),
    "zero in the official dialect is over where there is a bias": (
        one_cell(ZERO_THEN, ("Attention", "x", "Step_1"), ("LinearGLU", "Step_1", "x")),
        [("zero-step", "cells[0].steps[0]")],
    ),
    "but not in the paper dialect": (
        one_cell(ZERO_THEN, ("Attention", "x", "Step_1"), ("LinearGLU", "Step_1", "x"), **PAPER),
        [("zero-step", f"cells[0].steps[{j}]") for j in range(3)],
    ),
    "a cell that is zero makes a step of another one zero": (
        from_dict(
            changed(
                cells__0__steps=[{"op": "Zero", "inputs": ["x", "y"]}],
                cells__1__steps=[{"op": "Mul", "inputs": ["x", "y"]}, {"op": "ConcatFC", "inputs": ["x", "y"]}],
            )
            | PAPER
        ),
        [("zero-step", "cells[0].steps[0]"), ("zero-step", "cells[1].steps[0]")],
    ),
    "a sum with zero is the other input": (
        one_cell(ZERO_THEN, ("Sum", "Step_1", "y"), output=["Step_1", "Step_2"]),
        [("zero-step", "cells[0].steps[0]"), ("idle-step", "cells[0].steps[1]")],
    ),
    "a maximum and a mean of one node": (
        one_cell(("Max", "x", "x"), ("Mean", "Step_1", "x", "x"), ("ConcatFC", "Step_2", "y")),
        [("idle-step", "cells[0].steps[0]"), ("idle-step", "cells[0].steps[1]")],
    ),
    "the same step twice, in another order": (
        one_cell(("Sum", "x", "y"), ("Sum", "y", "x"), ("Mul", "x", "Step_1"), ("Mul", "Step_2", "x")),
        [("same-step", "cells[0].steps[1]"), ("same-step", "cells[0].steps[3]")],
    ),
    "steps with weights are not the same": (
        one_cell(("ConcatFC", "x", "y"), ("ConcatFC", "x", "y"), ("LinearGLU", "x", "y"), ("LinearGLU", "x", "y")),
        [],
    ),
    "the order of attention's inputs counts": (one_cell(("Attention", "x", "y"), ("Attention", "y", "x")), []),
    "two heads without projections": (
        one_cell(("Attention", "x", "y"), ("Attention", "x", "y"), ("Sum", "x", "Step_1"), ("Sum", "x", "Step_2")),
        [("same-attention", "cells[0].steps[1]")],
    ),
    "in the paper dialect they are the same node": (
        one_cell(
            ("Attention", "x", "y"), ("Attention", "x", "y"), ("Sum", "x", "Step_1"), ("Sum", "x", "Step_2"), **PAPER
        ),
        [("same-attention", "cells[0].steps[1]"), ("same-step", "cells[0].steps[3]")],
    ),
    "heads with projections": (one_cell(*[("MultiHeadAttention", "x", "y")] * 2), []),
    "one position to attend to": (
        one_cell(
            ("Attention", "x", "y"), ("MultiHeadAttention", "x", "y"), representation={"channels": 2, "length": 1}
        ),
        [("one-position", "cells[0].steps[0]"), ("one-position", "cells[0].steps[1]")],
    ),
    "a concatenation of one node": (
        one_cell(("ConcatFC", "y", "y")),
        [("same-concat", "cells[0].steps[0]")],
    ),
    "a cell that is its x": (
        one_cell(output=["x"]),
        [
            ("unused-feature", "features[1]"),
            ("one-modality", "features"),
            ("unread-input", "cells[0].inputs[1]"),
            ("idle-cell", "cells[0].output"),
        ],
    ),
    "a cell without steps that adds": (one_cell(output=["y"]), []),
    "a cell without steps that passes y on": (
        one_cell(output=["y"], **PAPER),
        [
            ("unused-feature", "features[0]"),
            ("one-modality", "features"),
            ("unread-input", "cells[0].inputs[0]"),
            ("idle-cell", "cells[0].output"),
        ],
    ),
}


@pytest.mark.parametrize("what", EXAMPLES)
def test_each_warning(what):
    genotype, expected = EXAMPLES[what]
    assert told(genotype) == expected


def test_a_warning_says_what_and_where_and_what_to_do():
    (finding,) = lint(one_cell(("Attention", "x", "y"), ("Attention", "x", "y")))
    assert str(finding) == (
        "cells[0].steps[1] (Cell_1 / Step_2) attends as Step_1 does, on the same inputs and without projections: "
        "before dropout and layer norm they compute the same thing; "
        "for heads that differ use MultiHeadAttention, which has projections of its own"
    )
    (finding,) = lint(from_dict(changed(features=[*SHORT["features"], {"name": "Video_1", "modality": "Video"}])))
    assert finding == Finding(
        "note",
        "unnamed-feature",
        "features[2]",
        "Video_1",
        "is declared, but neither a cell nor the output names it",
        "it costs nothing; name it somewhere if it should be used",
    )


def test_a_feature_says_why_it_is_not_used():
    (finding, *_) = lint(one_cell(("Mul", "x", "x")))
    assert finding.problem == "reaches no output: it is y of Cell_1, which nothing reads"
    (finding, *_) = lint(from_dict(changed(output=["Video_3"])))
    assert finding.problem == "reaches no output: nothing that reads it, in Cell_1, does"


def test_operations_from_outside_are_known_by_their_declaration(monkeypatch):
    monkeypatch.setattr("bmnas.genotype.extension._registered", {})

    @operation("Distance", commutative=True, weights=False)
    def distance(size):
        """|x - y|"""

    @operation("Learned")
    def learned(size):
        """With weights."""

    assert told(one_cell(("Distance", "x", "y"), ("Distance", "y", "x"))) == [("same-step", "cells[0].steps[1]")]
    assert told(one_cell(("Learned", "x", "y"), ("Learned", "x", "y"))) == []


def test_the_published_genotypes():
    others = {
        name: found
        for name in published.names()
        if (found := [pair for pair in told(published.load(name)) if pair[0] != "unnamed-feature"])
    }
    assert others == {
        "ntu-4": [("same-step", "cells[0].steps[1]"), ("same-step", "cells[3].steps[1]")],
        "ego-1": [("same-step", "cells[0].steps[1]"), ("same-step", "cells[1].steps[1]")],
        "ego-3": [("one-modality", "features")],
    }


def test_nothing_in_what_was_found_is_a_mistake():
    levels = lambda genotype: [finding.level for finding in lint(genotype)]  # noqa: E731
    for name in published.names():
        assert set(levels(published.load(name))) == {"note"}
    by_hand = published.load("ntu-4").replace(name="mine")
    assert "warning" in levels(by_hand)
    provenance = {"command": "bmnas search", "canonical_hash": canonical_hash(by_hand)}
    assert set(levels(by_hand.replace(provenance=provenance))) == {"note"}
    # Trained, but nobody knows where it comes from; and found, but edited since.
    assert "warning" in levels(by_hand.replace(provenance={**provenance, "command": None}))
    edited = by_hand.replace(provenance={**provenance, "canonical_hash": "0" * 64})
    assert {"edited", "same-step"} <= {finding.code for finding in lint(edited) if finding.level == "warning"}


@settings(deadline=None)
@given(genotypes())
def test_what_is_told_as_unused_is_what_is_unused(genotype):
    found = lint(genotype)
    names = {kind: [f.name for f in found if f.code == kind] for kind in ("unused-cell", "unused-step")}
    features = [f.name for f in found if f.code in ("unused-feature", "unnamed-feature")]
    assert features == [f.name for f in genotype.features if f.name not in used_features(genotype)]
    used = used_cells(genotype)
    assert names["unused-cell"] == [cell.name for cell in genotype.cells if cell.name not in used]
    assert names["unused-step"] == [
        f"{cell.name} / {step.name}"
        for cell in genotype.cells
        for step in cell.steps
        if cell.name in used and step.name not in used_steps(cell)
    ]


@settings(deadline=None)
@given(genotypes())
def test_unused_cells_are_not_looked_into(genotype):
    found = lint(genotype)
    for finding in found:
        for other in found:
            if finding.code in ("unused-cell", "unused-step"):
                assert finding is other or not other.place.startswith(f"{finding.place}.")


@settings(deadline=None)
@given(genotypes())
def test_every_finding_is_complete_and_readable(genotype):
    for finding in lint(genotype):
        assert finding.level == ("note" if finding.code == "unnamed-feature" else "warning")
        assert finding.place
        assert finding.problem
        assert finding.advice
        assert str(finding).isprintable()
        assert len(str(finding)) < 1000


@settings(deadline=None)
@given(genotypes(), st.data())
def test_a_step_that_is_repeated_is_found(genotype, data):
    told_before = [finding.place for finding in lint(genotype)]
    candidates = [
        (i, j)
        for i, cell in enumerate(genotype.cells)
        for j, step in enumerate(cell.steps)
        if cell.name in used_cells(genotype)
        and step.name in used_steps(cell)
        and not OPERATIONS[step.op].weights
        and f"cells[{i}].steps[{j}]" not in told_before
    ]
    if not candidates:
        return
    i, j = data.draw(st.sampled_from(candidates))
    again = genotype.model_dump(mode="json")
    cell = again["cells"][i]
    step = dict(cell["steps"][j], name="again")
    if OPERATIONS[step["op"]].commutative:
        step["inputs"] = data.draw(st.permutations(step["inputs"]))
    cell["steps"].append(step)
    cell["output"].append("again")
    place = f"cells[{i}].steps[{len(cell['steps']) - 1}]"
    code = "same-attention" if step["op"] == "Attention" else "same-step"
    assert next(f.code for f in lint(from_dict(again)) if f.place == place) == code


def test_findings_of_a_file(tmp_path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(changed(output=["Cell_3"], dropout=2)))
    assert {(f.level, f.code, f.place) for f in findings(path)} == {
        ("error", "invalid", "dropout"),
        ("error", "invalid", "output[0]"),
    }
    path.write_text(json.dumps(changed(cells__1__inputs=["Cell_1", "Cell_1"])))
    assert [(f.level, f.code) for f in findings(path)] == [("warning", "same-input")]
    path.write_text("[")
    (finding,) = findings(path)
    assert (finding.code, finding.place) == ("unreadable", "")
    assert str(finding).startswith("is not JSON: ")
