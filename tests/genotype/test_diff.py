"""What differs, in words."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings, strategies as st

from bmnas.genotype import from_dict
from bmnas.genotype.diff import diff
from bmnas.genotype.difference import Difference
from tests.genotype.disguises import disguised, with_one_change
from tests.genotype.test_schema import SHORT, changed
from tests.strategies import genotypes

SEEDS = st.integers(0, 2**32).map(Random)


def sentences(other, one=SHORT) -> list[str]:
    return [str(difference) for difference in diff(from_dict(one), from_dict(other), ("A", "B"))]


@settings(deadline=None)
@given(genotypes(), SEEDS)
def test_there_is_a_difference_exactly_when_they_are_not_equal(genotype, rng):
    assert diff(genotype, genotype) == ()
    for other in (with_one_change(genotype, rng), disguised(genotype, rng)):
        assert (diff(genotype, other) == ()) == (genotype == other)


@settings(deadline=None)
@given(genotypes(), genotypes(), SEEDS)
def test_turned_round_what_was_added_is_removed(genotype, another, rng):
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    for other in (with_one_change(genotype, rng), another):
        there = Counter(difference.kind for difference in diff(genotype, other))
        back = Counter(turned[difference.kind] for difference in diff(other, genotype))
        assert there == back


def test_a_changed_value_names_its_place_and_both_values():
    found = diff(
        from_dict({**SHORT, "name": "ntu-1"}), from_dict({**changed(cells__1__steps__0__op="Sum"), "name": "ntu-2"})
    )
    words = "(Cell_2 / Step_1): op is LinearGLU in ntu-1, Sum in ntu-2"
    assert found[1] == Difference("changed", "cells[1].steps[0]", words)
    assert str(found[1]) == f"cells[1].steps[0] {words}"
    assert str(found[0]) == "name is 'ntu-1' in the first, 'ntu-2' in the second"


def test_names_of_the_two_when_they_have_the_same():
    (found,) = diff(from_dict(SHORT), from_dict(changed(dropout=0.5)))
    assert str(found) == "dropout is 0.2 in the first, 0.5 in the second"


def test_the_whole():
    other = changed(dialect="paper", representation__channels=8, head={"outputs": 3}, provenance={"seed": 1})
    assert sentences(other) == [
        "dialect is official in A, paper in B",
        "representation.channels is 16 in A, 8 in B",
        "head is only in B",
        "provenance differs, which does not change what the genotype means",
    ]
    assert sentences(changed(head={"outputs": 4}), changed(head={"outputs": 3})) == ["head.outputs is 3 in A, 4 in B"]


def test_features():
    more = {"name": "Audio", "modality": "Audio", "reshape": "grid"}
    other = {**SHORT, "features": [more, SHORT["features"][1], {**SHORT["features"][0], "channels": 7}]}
    assert sentences(other) == [
        "features[0] (Audio): Audio, channels left out, reshape grid, is only in B",
        "features[0] (Video_3): channels is 2048 in A, 7 in B",
        "features are in another order in B: Skeleton_4, Video_3",
    ]


def test_a_renamed_cell_is_only_renamed():
    other = changed(cells__0__name="Fuse", cells__1__inputs=["Fuse", "Video_3"], output=["Fuse", "Cell_2"])
    assert sentences(other) == ["cells[0] (Cell_1) is called 'Fuse' in B"]


def test_a_chain_of_renamed_cells_is_followed():
    other = changed(cells__0__name="Fuse", cells__1__inputs=["Fuse", "Video_3"], cells__1__name="Last")
    assert sentences(other) == ["cells[0] (Cell_1) is called 'Fuse' in B", "cells[1] (Cell_2) is called 'Last' in B"]


def test_a_renamed_step_is_only_renamed():
    other = changed(cells__0__steps__0__name="ask", cells__0__steps__1__inputs=["ask", "x"])
    assert sentences(other) == ["cells[0].steps[0] (Cell_1 / Step_1) is called 'ask' in B"]


def test_what_has_several_counterparts_is_not_guessed():
    twins = [{"op": "ConcatFC", "inputs": ["x", "y"], "name": name} for name in "ab"]
    others = [{**step, "name": name} for step, name in zip(twins, "cd", strict=True)]
    found = sentences(changed(cells__1__steps=others), changed(cells__1__steps=twins))
    assert found == [
        "cells[1].steps[0] (Cell_2 / a): ConcatFC(x, y) is only in A",
        "cells[1].steps[1] (Cell_2 / b): ConcatFC(x, y) is only in A",
        "cells[1].steps[0] (Cell_2 / c): ConcatFC(x, y) is only in B",
        "cells[1].steps[1] (Cell_2 / d): ConcatFC(x, y) is only in B",
        "cells[1] (Cell_2): output is a, b in A, c, d in B",
    ]


def test_cells_that_only_one_has():
    other = {**SHORT, "cells": SHORT["cells"][:1]}
    assert sentences(other) == [
        "cells[1] (Cell_2): reads Cell_1, Video_3, has 1 step and is only in A",
        "output is Cell_1, Cell_2 in A, Cell_1 in B",
    ]


def test_another_order_of_inputs_says_when_it_does_not_matter():
    other = changed(cells__0__steps__0__inputs=["y", "x"], cells__0__steps__1__inputs=["x", "Step_1"])
    assert sentences(other) == [
        "cells[0].steps[0] (Cell_1 / Step_1): inputs are in another order: x, y in A, y, x in B",
        "cells[0].steps[1] (Cell_1 / Step_2): inputs are in another order: Step_1, x in A, x, Step_1 in B, "
        "which does not change the function",
    ]


def test_another_order_of_outputs_says_when_it_does_not_matter():
    other = changed(output=["Cell_2", "Cell_1"], cells__0__output=["Step_2", "Step_1"])
    assert sentences(other) == [
        "cells[0] (Cell_1): output is in another order: Step_1, Step_2 in A, Step_2, Step_1 in B, "
        "which does not change the function",
        "output is in another order: Cell_1, Cell_2 in A, Cell_2, Cell_1 in B",
    ]


def test_another_order_of_steps_is_said_once():
    names = [{"op": "Sum", "inputs": ["x", "y"], "name": name} for name in "abc"]
    one = changed(cells__1__steps=names, cells__1__output=["a", "b", "c"])
    other = changed(cells__1__steps=names[::-1], cells__1__output=["a", "b", "c"])
    assert sentences(other, one) == ["cells[1].steps (Cell_2) are in another order in B: c, b, a"]


def test_options():
    with_heads = [{"op": "MultiHeadAttention", "inputs": ["x", "y"], "heads": heads} for heads in (2, 4)]
    one, other = (changed(cells__1__steps__0=step) for step in with_heads)
    place = "cells[1].steps[0] (Cell_2 / Step_1):"
    assert sentences(other, one) == [f"{place} heads is 2 in A, 4 in B"]
    assert sentences(other) == [
        f"{place} op is LinearGLU in A, MultiHeadAttention in B",
        f"{place} heads is 4 and only in B",
    ]
