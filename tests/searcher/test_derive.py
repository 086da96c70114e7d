"""Derivation: what the rules promise, for any architecture parameters (the golden cases are in test_golden.py)."""

from __future__ import annotations

from itertools import combinations, permutations, product
from math import prod

import pytest
import torch
from hypothesis import given, settings, strategies as st

from bmnas.genotype import Feature, Genotype, Representation
from bmnas.genotype.space import RULES, Space
from bmnas.searcher.derive import cell_inputs, derive, step_inputs
from bmnas.searcher.hypernet.mixing import Mixing

POOL = ("Sum", "Zero", "Max")


def space(features: int, cells: int = 1, *, rule: str = "paper", steps: int = 1, **more) -> Space:
    return Space(
        features=tuple(Feature(name=f"F{i}", modality="A", channels=4) for i in range(features)),
        cells=cells,
        steps=steps,
        operations=POOL,
        rules=RULES[rule],
        representation=Representation(channels=4, length=4),
        **more,
    )


@st.composite
def searches(draw, rule: str | None = None) -> tuple[Space, str, list, list]:
    """A space with its rule, and weights of cells and steps: of one row, or of one for each input."""
    rule = rule or draw(st.sampled_from(["paper", "official"]))
    read, takes = draw(st.integers(2, 3)), draw(st.integers(2, 3))
    takes = min(takes, read) if rule == "official" else takes
    features, steps = draw(st.integers(read, 6)), draw(st.integers(1, 3))
    cells = draw(st.integers(1, 4 if rule == "paper" else min(4, features - read + 1)))
    found = space(features, cells, rule=rule, steps=steps, cell_inputs=read, step_inputs=takes)
    split = draw(st.booleans())
    # Few values, so that there are ties and zeros; and any.
    weight = st.one_of(st.sampled_from([0.0, 0.25, 0.5]), st.floats(0, 1))

    def rows(count, inputs):
        return [draw(st.lists(weight, min_size=count, max_size=count)) for _ in range(inputs if split else 1)]

    return (
        found,
        rule,
        [rows(features + n, read) for n in range(cells)],
        [rows(read + m, takes) for m in range(steps)],
    )


@settings(deadline=None)
@given(searches())
def test_the_greatest_product_wins_and_of_equals_the_first(search):
    """As the rules are worded, by going through everything."""
    space, rule, cells, steps = search
    assert cell_inputs(cells, space) == slow_cells(cells, space, rule)
    assert step_inputs(steps, space) == slow_steps(steps, space, rule)


def slow_cells(weights, space, rule):
    taken, size = [], space.cell_inputs
    for n, rows in enumerate(weights):
        used, read = {node for nodes in taken for node in nodes}, {frozenset(nodes) for nodes in taken}
        features = range(len(space.features))
        left, later = set(features) - used, space.cells - n - 1
        candidates = []
        for nodes in permutations(features if rule == "official" else range(len(features) + n), size):
            new = left & set(nodes)
            if frozenset(nodes) not in read if rule == "paper" else new and len(left - new) >= later:
                candidates.append(nodes)
        best = max(candidates, key=lambda nodes: product_of(rows if len(rows) > 1 else rows * size, nodes))
        taken.append(best if len(rows) > 1 else tuple(sorted(best)))
    return taken


def slow_steps(weights, space, rule):
    found, size = [], space.step_inputs
    for m, rows in enumerate(weights):
        nodes = range(space.cell_inputs + m)
        if len(rows) == 1:
            falling = sorted(nodes, key=lambda node: -rows[0][node])
            found.append(tuple((falling * size)[:size]))
        else:
            candidates = product(nodes, repeat=size) if rule == "paper" else permutations(nodes, size)
            found.append(max(candidates, key=lambda nodes: product_of(rows, nodes)))
    return found


def product_of(rows, nodes):
    return prod(row[node] for row, node in zip(rows, nodes, strict=True))


def test_every_cell_reads_another_set():
    """The second cell would take the same pair again, and takes the next best."""
    row = [0.1, 0.9, 0.5, 0.8]
    assert cell_inputs([[row]], space(4)) == [(1, 3)]
    assert cell_inputs([[row], [[*row, 0.6]]], space(4, 2)) == [(1, 3), (1, 4)]
    assert cell_inputs([[row], [[*row, 0.6]]], space(4, 2, cell_inputs=3)) == [(1, 2, 3), (1, 3, 4)]


def test_a_cell_can_read_an_earlier_cell():
    weights = [[[0.9, 0.8, 0.1]], [[0.1, 0.2, 0.9, 0.95]]]  # features 0-2, then cell 1
    assert cell_inputs(weights, space(3, 2)) == [(0, 1), (2, 3)]
    assert cell_inputs(weights, space(3, 2, rule="official")) == [(0, 1), (1, 2)]


@pytest.mark.parametrize("read", [2, 3])
def test_a_cell_leaves_a_new_feature_for_each_later_one(read):
    """The greatest weights would have the first cells use all features."""
    most = 8 - read + 1
    greedy = [[[1.0 if n * read <= node < (n + 1) * read else 0.1 for node in range(8 + n)]] for n in range(most)]
    found = cell_inputs(greedy, space(8, most, rule="official", cell_inputs=read))
    assert found[0] == tuple(range(read))
    used: set[int] = set()
    for nodes in found:
        assert not used.issuperset(nodes)
        used.update(nodes)
    # with one cell less there is a feature to spare
    assert cell_inputs(greedy[:2], space(8, 2, rule="official", cell_inputs=read))[1] == tuple(range(read, 2 * read))


def test_x_and_y_have_weights_of_their_own():
    x, y = [0.1, 0.9, 0.5], [0.6, 0.7, 0.2]
    assert cell_inputs([[x, y]], space(3)) == [(1, 0)]  # not (1, 1): a cell reads two nodes
    assert cell_inputs([[x, y], [[*x, 0.0], [*y, 0.0]]], space(3, 2)) == [(1, 0), (2, 1)]
    assert step_inputs([[[0.9, 0.5], [0.8, 0.3]]], space(2)) == [(0, 0)]  # a step may read one twice
    assert step_inputs([[[0.9, 0.5], [0.8, 0.3]]], space(2, rule="official")) == [(1, 0)]


def test_a_step_reads_its_greater_weight_first():
    assert step_inputs([[[0.2, 0.7]], [[0.5, 0.1, 0.6]]], space(2, steps=2)) == [(1, 0), (2, 0)]
    assert step_inputs([[[0.5, 0.5]]], space(2, rule="official")) == [(0, 1)]
    # three inputs and only x and y to read: the greatest once more
    assert step_inputs([[[0.2, 0.7]], [[0.5, 0.1, 0.6]]], space(2, steps=2, step_inputs=3)) == [(1, 0, 1), (2, 0, 1)]


@settings(deadline=None)
@given(searches(), st.integers(0, 99))
def test_what_is_derived_is_a_genotype_of_the_space(search, seed):
    space, _, cells, steps = search
    torch.manual_seed(seed)
    weights = Mixing(
        tuple(torch.tensor([rows]) for rows in cells),
        tuple(tuple(torch.tensor([rows]) for rows in steps) for _ in cells),
        torch.rand(1, space.cells, space.steps, len(POOL)),
    )
    found = derive(weights, 0, space)
    Genotype(**{**space[0].model_dump(), "cells": [cell.model_dump() for cell in found]})
    order = [*(feature.name for feature in space.features), *(cell.name for cell in found)]
    in_order = [cell.model_copy(update={"inputs": tuple(sorted(cell.inputs, key=order.index))}) for cell in found]
    assert space[0].model_copy(update={"cells": tuple(in_order)}) in space
    best = [[POOL[p] for p in row] for row in weights.operations[0].argmax(-1).tolist()]
    assert [[step.op for step in cell.steps] for cell in found] == best


def test_three_of_many_features_are_found_by_looking_at_few():
    """A cell with weights of their own for x, y and z has 64 · 63 · 62 orders to choose from."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(3, 64, generator=generator).tolist()
    wide = space(64, cell_inputs=3)
    looked: list[int] = []

    class Counted(list):
        def __getitem__(self, node):
            looked.append(node)
            return super().__getitem__(node)

    (found,) = cell_inputs([[Counted(row) for row in rows]], wide)
    assert len(looked) < 1000
    best = max(permutations(range(64), 3), key=lambda nodes: product_of(rows, nodes))
    assert found == best
    ((shared),) = cell_inputs([rows[:1]], wide)
    assert shared == max(combinations(range(64), 3), key=lambda nodes: product_of([rows[0]] * 3, nodes))
