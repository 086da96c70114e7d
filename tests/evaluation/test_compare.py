"""`compare`: tests of two systems on the same samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from bmnas.errors import BmnasError
from bmnas.evaluation import Comparison, compare
from bmnas.evaluation.paired import smallest_accuracy


def systems(samples=200, seed=0, better=1.0):
    """The outputs of two systems, of which the first is better, and the labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=samples)
    one, other = random.normal(size=(2, samples, 3))
    one[np.arange(samples), labels] += 1 + better
    other[np.arange(samples), labels] += 1
    return one, other, labels


def test_accuracy_is_tested_by_mcnemar():
    one, other, labels = systems(better=0.3)
    found = compare(one, other, labels)
    first, second = one.argmax(1) == labels, other.argmax(1) == labels
    only = int((first & ~second).sum()), int((second & ~first).sum())
    assert (found.only_one, found.only_other) == only
    accuracy = found["accuracy"]
    assert accuracy.p == pytest.approx(binomtest(only[0], sum(only)).pvalue)
    assert accuracy.test == "McNemar"
    assert accuracy.difference == pytest.approx((only[0] - only[1]) / 200)
    assert accuracy.smallest == pytest.approx(smallest_accuracy(200, sum(only) / 200))
    assert accuracy.low < accuracy.difference < accuracy.high


def test_the_other_way_round_is_the_opposite():
    one, other, labels = systems(better=0.3)
    there, back = compare(one, other, labels), compare(other, one, labels)
    for name in ("accuracy", "f1-macro", "log-likelihood", "AUROC", "ECE"):
        assert there[name].difference == pytest.approx(-back[name].difference)
        assert there[name].low == pytest.approx(-back[name].high)
        assert there[name].p == pytest.approx(back[name].p)


def test_what_is_plainly_better_is_shown_and_what_is_alike_is_not():
    better = compare(*systems(better=2.0))
    for name in ("accuracy", "f1-macro", "mAP", "AUROC", "log-likelihood"):
        assert better[name].p < 0.01 and better[name].low > 0, name
        assert better[name].smallest < better[name].difference
    alike = compare(*systems(better=0.0, seed=3))
    for name in ("accuracy", "f1-macro", "log-likelihood"):
        assert alike[name].p > 0.05 and alike[name].low < 0 < alike[name].high, name


def test_a_system_beside_itself():
    one, _, labels = systems()
    found = compare(one, one, labels)
    for each in found.differences:
        assert (each.difference, each.p, each.smallest) == (0, 1, None), each.name
    assert found.remarks == ("both give the same outputs for every sample",)


def test_of_groups_whole_groups_are_flipped():
    """Ten frames of each of 20 clips: there are 20 things that differ, not 200."""
    one, other, labels = systems(20, better=0.8)
    repeated = [np.repeat(each, 10, 0) for each in (one, other, labels)]
    clips = compare(one, other, labels)
    found = compare(*repeated, groups=np.repeat(np.arange(20), 10))
    assert found["accuracy"].test == "sign flips of groups"
    assert found["accuracy"].p == pytest.approx(clips["accuracy"].p)
    assert found["log-likelihood"].p == pytest.approx(clips["log-likelihood"].p)
    assert compare(*repeated)["log-likelihood"].p < found["log-likelihood"].p or found["log-likelihood"].p < 0.002


def test_regressions_are_compared_by_their_errors():
    random = np.random.default_rng(0)
    labels = random.normal(size=(100, 2))
    found = compare(labels + 0.1 * random.normal(size=(100, 2)), labels + random.normal(size=(100, 2)), labels)
    assert found["MAE"].difference < 0 and found["MAE"].p < 0.01 and not found["MAE"].higher_is_better
    assert found["R²"].difference > 0 and found.only_one is None


def test_one_sample_shows_nothing_and_json_reads_back():
    found = compare([[0.0, 1]], [[1.0, 0]], [1])
    assert found["accuracy"].difference == 1 and found["accuracy"].p is None
    assert found["AUROC"].difference is None
    assert Comparison.model_validate_json(found.model_dump_json()) == found


def test_other_questions_are_not_compared():
    with pytest.raises(BmnasError, match="mine has 2 outputs and yours 3: they answer different questions"):
        compare([[0.0, 1]], [[0.0, 1, 2]], [1], names=("mine", "yours"))
    with pytest.raises(BmnasError, match="the outputs of yours: that of sample 0 is nan"):
        compare([[0.0, 1]], [[0.0, float("nan")]], [1], names=("mine", "yours"))
    with pytest.raises(BmnasError, match="there are 1 labels for 2 samples"):
        compare([[0.0, 1], [1, 0]], [[0.0, 1]], [1])
