"""The statistics by which `benchmarks/evidence.py` compares systems."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from paired import bootstrap, compared, holm, mcnemar, sign_flip, student, sums_of


def _answers(*, better: int, worse: int, same: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Two systems, of which the first alone is right `better` times and the other alone `worse` times."""
    one = np.array([1] * better + [0] * worse + [1] * same)
    return one, np.array([0] * better + [1] * worse + [1] * same)


def test_mcnemar_is_the_binomial_test():
    assert mcnemar(*_answers(better=15, worse=5)) == pytest.approx(0.04138947)  # 2 P(B(20, 1/2) >= 15)
    assert mcnemar(*_answers(better=0, worse=0)) == 1


@pytest.mark.parametrize(("better", "worse"), [(0, 1), (3, 9), (40, 22), (7, 7), (0, 30)])
def test_of_one_seed_sign_flips_are_mcnemars_test(better: int, worse: int):
    one, other = _answers(better=better, worse=worse)
    below, above = sign_flip(one - other)
    assert above == pytest.approx(binomtest(better, better + worse, alternative="greater").pvalue)
    assert below == pytest.approx(binomtest(better, better + worse, alternative="less").pvalue)


def test_sign_flips_are_all_there_are():
    sums = np.array([5, -2, 4, 0, 1, -6, 2])
    flips = np.array(np.meshgrid(*[[-1, 1]] * len(sums))).reshape(len(sums), -1)
    totals = np.abs(sums) @ flips
    assert sign_flip(sums) == pytest.approx(((totals <= sums.sum()).mean(), (totals >= sums.sum()).mean()))
    assert sign_flip(3 * sums) == pytest.approx(sign_flip(sums))
    assert sign_flip(np.zeros(4, dtype=np.int64)) == (1, 1)


def test_sign_flips_of_many_samples_have_small_p_values():
    below, above = sign_flip(np.array([3] * 400 + [-2] * 100))
    assert 0 < above < 1e-30
    assert below == pytest.approx(1)


def test_sign_flips_have_their_level():
    """Systems that are equally good, whose answers depend on the sample, which all seeds of both share."""
    random, found = np.random.default_rng(0), []
    for _ in range(1000):
        difficulty = random.beta(2, 1, size=150)
        one, other = (random.random((3, 150)) < difficulty for _ in range(2))
        found.append(sign_flip((one.astype(int) - other).sum(0)))
    rates = (np.array(found) <= 0.05).mean(0)
    assert np.all((rates > 0.03) & (rates < 0.065)), rates


def test_groups_keep_their_level_where_samples_do_not():
    """Of people whose samples are alike, each sample by itself looks like more evidence than it is."""
    random, by_sample, by_group = np.random.default_rng(0), [], []
    groups = np.repeat(np.arange(12), 30)
    for _ in range(300):
        for_one = random.normal(size=12)[groups] > 0
        one = np.where(for_one, random.random(360) < 0.9, random.random(360) < 0.7).astype(int)
        other = np.where(for_one, random.random(360) < 0.7, random.random(360) < 0.9).astype(int)
        by_sample.append(sign_flip(one - other)[1])
        by_group.append(sign_flip(sums_of(one - other, groups))[1])
    assert np.mean(np.array(by_sample) <= 0.05) > 0.15
    assert np.mean(np.array(by_group) <= 0.05) < 0.08


def test_holm():
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}  # × 3, × 1, × 2, × 4; none below a smaller one's
    assert holm(p) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(holm(p)) == list(p)
    assert holm({"a": 0.7, "b": 0.8}) == {"a": 1, "b": 1}
    assert holm({}) == {}


def test_intervals_hold_the_mean():
    values = np.random.default_rng(0).normal(0.3, 1, size=400)
    for interval in (student(values, np.arange(400)), bootstrap(values, np.arange(400))):
        assert interval.mean == pytest.approx(values.mean())
        assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_intervals_are_wider_where_groups_are_alike():
    values = np.repeat(np.random.default_rng(0).normal(size=20), 10)
    groups = np.repeat(np.arange(20), 10)
    for interval in (student, bootstrap):
        alone, together = interval(values, np.arange(200)), interval(values, groups)
        assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_comparison_is_of_all_seeds():
    one, other = _answers(better=30, worse=6, same=164)
    correct = np.stack([one, one, other]), np.stack([other, other, other])
    likelihoods = tuple(np.log(np.where(each, 0.9, 0.1)) for each in correct)
    found = compared(correct, (likelihoods[0], likelihoods[1]))
    assert found.accuracy.mean == pytest.approx(2 / 3 * 24 / 200)
    assert found.above < 1e-3 < 0.9 < found.below
    assert found.likelihood.low > 0
    assert (found.samples, found.groups, found.seeds) == (200, None, 3)
    assert found.shown is not None
    assert found.shown == pytest.approx(0.083, abs=0.003)  # of 18 % discordant answers


def test_few_groups_say_how_little_they_can_show():
    one, other = _answers(better=30, worse=0, same=30)
    ones = np.log(np.full((1, 60), 0.5))
    found = compared((one[None], other[None]), (ones, ones), np.arange(60) % 4)
    assert found.above < 1e-6
    assert found.above_by_groups == found.least == 1 / 16
    assert (found.hardest_above, found.hardest_below) == (1 / 16, 1)
    alone = compared((one[None], other[None]), (ones, ones), np.zeros(60))
    assert alone.groups is None
