"""Corrections and rank correlations are those of the literature."""

from __future__ import annotations

import pytest
from scipy.stats import spearmanr

from bmnas.evaluation.holm import holm
from bmnas.report.paired import spearman


def test_holm():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_spearman():
    one, other = [1.0, 2.0, 2.0, 5.0, 4.0], [3.0, 1.0, 2.0, 9.0, 9.0]
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert spearman([1, 2], [1, 2]) is None
    assert spearman([1, 1, 1], [1, 2, 3]) is None
