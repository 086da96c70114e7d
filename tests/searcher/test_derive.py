"""Derivation: what the rules promise, for any architecture parameters (the golden cases are in test_golden.py)."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, Representation
from bmnas.genotype.schema import Feature
from bmnas.searcher.derive import cell_pairs, derive, refuse_clashes, refuse_misfits, refuse_underivable, step_pairs
from bmnas.searcher.hypernet.mixing import mixing

weights = st.lists(st.floats(0, 1), min_size=200, max_size=200)


def by_cell(w, features, cells):
    """One row a cell, for both of its inputs: (N, 1, J + n)."""
    starts = [features * n + n * (n - 1) // 2 for n in range(cells + 1)]
    return [[w[begin:end]] for begin, end in pairwise(starts)]


def by_x_and_y(w, features, cells):
    """One row a cell for x, and another for y: (N, 2, J + n)."""
    return [[row, row[::-1]] for [row] in by_cell(w, features, cells)]


@given(weights, st.integers(2, 8), st.integers(1, 6))
def test_the_papers_rule_gives_every_cell_another_pair(w, features, cells):
    pairs = cell_pairs(by_cell(w, features, cells), features=features, rule="paper")
    assert len(set(pairs)) == cells
    assert all(i < j < features + n for n, (i, j) in enumerate(pairs))
    ordered = cell_pairs(by_x_and_y(w, features, cells), features=features, rule="paper")
    assert len(set(map(frozenset, ordered))) == cells
    assert all(i != j and max(i, j) < features + n for n, (i, j) in enumerate(ordered))


@given(weights, st.integers(2, 8), st.integers(1, 8))
def test_the_official_rule_gives_every_cell_a_new_feature_or_is_refused(w, features, cells):
    try:
        refuse_underivable(features, cells, "official")
    except BmnasError:
        return
    seen: set[int] = set()
    for i, j in cell_pairs(by_cell(w, features, cells), features=features, rule="official"):
        assert i < j < features
        assert not {i, j} <= seen
        seen |= {i, j}


def test_what_is_refused_can_fail():
    """With one cell more than is sure there are weights for which no feature is left."""
    for features in range(2, 9):
        sure = (features - 1) // 2 + 1
        refuse_underivable(features, sure, "official")
        with pytest.raises(BmnasError, match=f"sure for {sure} cells, not for {sure + 1}"):
            refuse_underivable(features, sure + 1, "official")
        if features % 2 == 0:
            greedy = [
                1.0 if node in (2 * n, 2 * n + 1) else 0.1 for n in range(sure + 1) for node in range(features + n)
            ]
            with pytest.raises(BmnasError, match="no distinct pair of features is left"):
                cell_pairs(by_cell(greedy, features, sure + 1), features=features, rule="official")


def test_two_features_are_needed():
    with pytest.raises(BmnasError, match="only 1 feature"):
        refuse_underivable(1, 1, "paper")


def test_the_greatest_product_wins():
    row = [0.1, 0.9, 0.5, 0.8]
    assert cell_pairs([[row]], features=4, rule="paper") == [(1, 3)]
    # the second cell would take the same pair again, and takes the next best
    assert cell_pairs([[row], [[*row, 0.6]]], features=4, rule="paper") == [(1, 3), (1, 4)]


def test_x_and_y_have_weights_of_their_own():
    x, y = [0.1, 0.9, 0.5], [0.6, 0.7, 0.2]
    assert cell_pairs([[x, y]], features=3, rule="paper") == [(1, 0)]  # not (1, 1): a cell reads two nodes
    assert cell_pairs([[x, y], [[*x, 0.0], [*y, 0.0]]], features=3, rule="paper") == [(1, 0), (2, 1)]
    assert step_pairs([[[0.9, 0.5], [0.8, 0.3]]], rule="paper") == [(0, 0)]  # a step may read one twice
    assert step_pairs([[[0.9, 0.5], [0.8, 0.3]]], rule="official") == [(1, 0)]


def test_a_cell_can_read_an_earlier_cell():
    second = [0.1, 0.2, 0.9, 0.95]  # features 0-2, then cell 1
    assert cell_pairs([[[0.9, 0.8, 0.1]], [second]], features=3, rule="paper") == [(0, 1), (2, 3)]
    assert cell_pairs([[[0.9, 0.8, 0.1]], [second]], features=3, rule="official") == [(0, 1), (1, 2)]


def test_a_step_reads_its_greater_weight_first():
    assert step_pairs([[[0.2, 0.7]], [[0.5, 0.1, 0.6]]], rule="paper") == [(1, 0), (2, 0)]
    assert step_pairs([[[0.5, 0.5]]], rule="official") == [(0, 1)]


@given(
    st.sampled_from(["shared", "split"]), st.integers(2, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99)
)
def test_what_is_derived_is_a_genotype(relaxation, features, cells, steps, seed):
    torch.manual_seed(seed)
    names = [f"F{i}" for i in range(features)]
    logits = (
        torch.randn(1, sum(features + n for n in range(cells)), 2),
        torch.randn(1, cells, sum(2 + m for m in range(steps)), 2),
        torch.randn(1, cells, steps, 3),
    )
    found = derive(
        mixing(relaxation, *logits, features=features),
        features=names,
        operations=("Sum", "Zero", "Attention"),
        cell_outputs=steps + 1,
    )
    genotype = Genotype(
        representation=Representation(channels=4, length=4),
        features=tuple(Feature(name=name, modality="A", channels=4) for name in names),
        cells=found,
        output=tuple(cell.name for cell in found),
    )
    assert all(len(cell.output) == steps + 1 and cell.output[0] == "y" for cell in genotype.cells)


def test_a_feature_with_the_name_of_a_cell_is_refused():
    refuse_clashes(["Cell_3", "cell_1", "Cell"], 2)
    with pytest.raises(BmnasError, match="feature 'Cell_2' has the name of a cell"):
        refuse_clashes(["Image_1", "Cell_2"], 2)


def test_a_feature_that_is_used_as_it_is_decides_the_channels():
    features = [
        Feature(name="a", modality="a", channels=8, reshape="none"),
        Feature(name="b", modality="b", channels=5),
    ]
    refuse_misfits(features, 8)
    with pytest.raises(BmnasError, match=r"feature 'a' has 8 channels and the reshape 'none', so .*, not 6"):
        refuse_misfits(features, 6)
