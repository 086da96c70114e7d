from __future__ import annotations

import doctest
import warnings

import pytest
import torch
from hypothesis import given, strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from bmnas.errors import BmnasError
from bmnas.fit import folds as module
from bmnas.fit.folds import folds


@st.composite
def problems(draw: st.DrawFn):
    """Labels of any kind, groups or none, a number of folds, a seed, and the rows that may be held out, or ``None``."""
    count = draw(st.integers(2, 40))
    numbers = st.lists(st.integers(0, 6), min_size=count, max_size=count)
    kind = draw(st.sampled_from(["classes", "several", "numbers"]))
    labels = torch.tensor(draw(numbers))
    if kind == "several":
        labels = torch.stack([labels % 2, labels // 2 % 2], dim=1)
    elif kind == "numbers":
        labels = labels / 3
    groups = draw(st.none() | numbers.map(torch.tensor))
    held_out = draw(st.none() | st.lists(st.integers(0, count - 1), min_size=1, unique=True).map(torch.tensor))
    return labels, groups, draw(st.integers(2, 8)), draw(st.integers(0, 5)), held_out


def groups_that_hold(groups, count):
    """The groups that stay together: with one alone there is nothing else to train on."""
    return torch.arange(count) if groups is None or len(groups.unique()) == 1 else groups


@given(problems())
def test_every_row_that_may_be_is_held_out_once(problem):
    labels, _, _, _, held_out = problem
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = folds(*problem)
    rows = torch.arange(len(labels)) if held_out is None else held_out.sort().values
    assert torch.equal(torch.cat([held for _, held in made]).sort().values, rows)
    for sides in made:
        for side in sides:
            assert side.dtype == torch.int64
            assert len(side)
            assert torch.equal(side, side.sort().values)


@given(problems())
def test_no_group_is_on_both_sides_and_no_other_row_is_left_out(problem):
    labels, groups, *_ = problem
    own = groups_that_hold(groups, len(labels))
    for trained, held in folds(*problem):
        there = torch.isin(own, own[held])
        assert torch.equal(trained, (~there).nonzero()[:, 0])


@given(problems())
def test_there_are_as_many_folds_as_can_be(problem):
    labels, groups, k, _, held_out = problem
    own = groups_that_hold(groups, len(labels))
    there = own if held_out is None else own[held_out]
    assert len(folds(*problem)) == min(k, len(there.unique()))


@given(problems())
def test_sizes_are_as_even_as_groups_let_them_be(problem):
    labels, groups, _, _, held_out = problem
    own = groups_that_hold(groups, len(labels))
    sizes = [len(held) for _, held in folds(*problem)]
    if labels.dim() == 2 or labels.is_floating_point():  # else classes go first
        largest = (own if held_out is None else own[held_out]).unique(return_counts=True)[1].max()
        assert max(sizes) - min(sizes) <= largest


@given(problems())
def test_without_groups_classes_are_even(problem):
    labels, _, k, seed, held_out = problem
    made = folds(labels, None, k, seed, held_out)
    assert max(len(held) for _, held in made) - min(len(held) for _, held in made) <= 1
    if labels.dim() == 1 and not labels.is_floating_point():
        for label in labels.unique():
            numbers = [int((labels[held] == label).sum()) for _, held in made]
            assert max(numbers) - min(numbers) <= 1


@given(problems())
def test_the_seed_decides_and_the_callers_random_state_does_not(problem):
    first = folds(*problem)
    torch.rand(3)
    for (one, two), (three, four) in zip(first, folds(*problem), strict=True):
        assert torch.equal(one, three)
        assert torch.equal(two, four)


def test_another_seed_makes_other_folds():
    for groups in (None, torch.arange(60) // 2):
        held = {tuple(folds(torch.arange(60) % 3, groups, 5, seed)[0][1].tolist()) for seed in range(5)}
        assert len(held) == 5


def test_the_numbers_of_groups_and_classes_do_not_matter():
    labels, groups = torch.arange(40) % 4, torch.arange(40) // 3
    plain = folds(labels, groups, 4, 0)
    other = folds(labels * 5 - 3, groups * 1000 - 7000, 4, 0)
    assert [held.tolist() for _, held in plain] == [held.tolist() for _, held in other]


def test_groups_are_spread_so_that_classes_are_as_even_as_in_scikit_learn():
    random = torch.Generator().manual_seed(0)
    ours, theirs = [], []
    for seed in range(30):
        groups = torch.randint(25, (300,), generator=random)
        # A group has mostly one class.
        labels = torch.where(
            torch.rand(300, generator=random) < 0.7, groups % 5, torch.randint(5, (300,), generator=random)
        )
        ours.append(unevenness(labels, [held for _, held in folds(labels, groups, 5, seed)]))
        split = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, groups)
        theirs.append(unevenness(labels, [torch.from_numpy(held) for _, held in split]))
    assert sum(ours) <= sum(theirs)


def unevenness(labels, held):
    """Chi-square of folds and classes."""
    table = torch.stack([torch.bincount(labels[rows], minlength=5) for rows in held]).double()
    expected = table.sum(dim=0) / len(held)
    return float(((table - expected) ** 2 / expected).sum())


def test_a_single_group_is_split_inside():
    labels = torch.arange(12) % 2
    one = folds(labels, torch.zeros(12, dtype=torch.int64), 3, 0)
    assert [held.tolist() for _, held in one] == [held.tolist() for _, held in folds(labels, None, 3, 0)]


def test_the_only_group_that_may_be_held_out_is_held_out_whole():
    groups = torch.tensor([1, 1, 3, 3, 7, 7, 7])
    ((trained, held),) = folds(torch.zeros(7, dtype=torch.int64), groups, 5, 0, torch.tensor([4, 5, 6]))
    assert (trained.tolist(), held.tolist()) == ([0, 1, 2, 3], [4, 5, 6])


def test_rows_of_a_held_out_group_are_not_trained_on_wherever_they_are():
    groups = torch.tensor([1, 2, 3, 1, 2, 3])
    made = folds(torch.zeros(6), groups, 3, 0, torch.tensor([3, 4, 5]))
    assert sorted((held.tolist(), trained.tolist()) for trained, held in made) == [
        ([3], [1, 2, 4, 5]),
        ([4], [0, 2, 3, 5]),
        ([5], [0, 1, 3, 4]),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(4), None, 1, 0), "there cannot be 1 folds: cross-validation needs at least 2"),
        (
            (torch.zeros(4), torch.zeros(3), 2, 0),
            r"groups have the shape \(3,\), but each of the 4 rows is of one group",
        ),
        ((torch.zeros(1), None, 2, 0), "1 of 1 rows may be held out, but one has to be, and another trained on"),
        ((torch.zeros(4), None, 2, 0, torch.tensor([], dtype=torch.int64)), "0 of 4 rows may be held out"),
        ((torch.zeros(4), None, 2, 0, torch.tensor([1, 4])), "row 4 cannot be held out: there are 4 rows, 0 to 3"),
        ((torch.zeros(4), None, 2, 0, torch.tensor([1, -1])), "row -1 cannot be held out: there are 4 rows, 0 to 3"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(BmnasError, match=message):
        folds(*arguments)


def test_the_example():
    assert doctest.testmod(module).attempted == 2
    assert doctest.testmod(module).failed == 0
