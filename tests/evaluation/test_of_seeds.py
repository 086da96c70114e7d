"""Systems of several seeds: exact tests, groups as one sample, and correction for many comparisons."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.evaluation.exact import mcnemar
from bmnas.evaluation.holm import holm
from bmnas.evaluation.of_seeds import apart
from bmnas.tasks import Regression, Task, get_task


def says(*answers: list[int]) -> torch.Tensor:
    """Outputs of K seeds that answer so, (K, N, 10)."""
    return torch.nn.functional.one_hot(torch.tensor(answers), 10).float()


def numbers() -> Task:
    task = get_task("digits")
    task.objective, task.outputs = Regression(), 1  # type: ignore[assignment]
    return task


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30))
def test_with_one_seed_it_is_the_test_of_mcnemar(right):
    one, other = ([0 if good else 1 for good in each] for each in zip(*right, strict=True))
    labels = torch.zeros(len(right), dtype=torch.int64)
    found = apart(get_task("digits"), says(one), says(other), labels)
    own, its = ((torch.tensor(each) == 0).long().numpy() for each in (one, other))
    assert found.of == "accuracy"
    assert found.p == pytest.approx(mcnemar(own, its))
    assert found.mean == pytest.approx((own - its).mean())
    assert found.low <= found.mean <= found.high


def test_seeds_need_not_be_as_many():
    labels = torch.zeros(4, dtype=torch.int64)
    one, other = says([0, 0, 0, 0], [0, 0, 0, 1]), says([0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 1, 1])
    found = apart(get_task("digits"), one, other, labels)
    assert found.mean == pytest.approx(7 / 8 - 4 / 12)
    back = apart(get_task("digits"), other, one, labels)
    assert (back.mean, back.p, back.low) == (pytest.approx(-found.mean), pytest.approx(found.p), -found.high)


def test_samples_of_a_group_count_as_one():
    labels = torch.zeros(30, dtype=torch.int64)
    one, other = says([0] * 30), says([0] * 10 + [1] * 20)
    alone = apart(get_task("digits"), one, other, labels)
    grouped = apart(get_task("digits"), one, other, labels, torch.arange(30) // 10)
    assert alone.p == pytest.approx(2 * 0.5**20)
    assert grouped.p == pytest.approx(2 * 0.5**2)  # two of three groups differ
    assert grouped.high - grouped.low > alone.high - alone.low
    assert apart(get_task("digits"), one, other, labels, torch.zeros(30)).p == alone.p


def test_numbers_are_compared_by_their_losses():
    torch.manual_seed(0)
    labels = torch.randn(200)
    good, bad = (labels[None, :, None] + size * torch.randn(2, 200, 1) for size in (0.1, 1.0))
    found = apart(numbers(), good, bad, labels)
    assert found.of == "loss"
    assert found.low > 0
    assert found.p < 1e-6
    assert found.smallest is not None and 0 < found.smallest < found.mean
    same = apart(numbers(), good, good, labels)
    assert (same.mean, same.smallest) == (0, None)
    assert apart(numbers(), bad, good, labels).p == pytest.approx(found.p)


@given(st.dictionaries(st.integers(), st.floats(0, 1), max_size=8))
def test_holm_never_makes_a_p_smaller_and_keeps_their_order(p_values):
    corrected = holm(p_values)
    assert list(corrected) == list(p_values)
    for key, p in p_values.items():
        assert p <= corrected[key] <= min(1.0, len(p_values) * p) or corrected[key] >= p
    ranked = sorted(p_values, key=p_values.__getitem__)
    assert [corrected[key] for key in ranked] == sorted(corrected.values())


def test_holm_of_three():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
