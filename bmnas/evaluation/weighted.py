"""Measures of many resamples at once: a sample that was drawn twice counts twice.

A resample is a row of weights, how often each sample is in it, so that nothing is copied or sorted again. With weights
of 1 each function gives what scikit-learn or torchmetrics gives, which tests hold. Where a resample leaves a measure
undefined there is a NaN.

Axes: R resamples, N samples, K classes or outputs, E answers of a sample, B bins.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]

BINS = 15
"""Of the expected calibration error, as Guo et al. have them."""


def mean(values_N: Array, weights_RN: Array) -> Array:
    """The mean of a value of each sample, (R,)."""
    return (weights_RN @ values_N) / weights_RN.sum(1)


def f1(truth_NK: Array, answered_NK: Array, average: Literal["micro", "macro", "weighted"], weights_RN: Array) -> Array:
    """F1 = 2 TP / (samples + answers) of each class, averaged; a class with neither is left out, (R,)."""
    hits = weights_RN @ (truth_NK * answered_NK)
    support, answers = weights_RN @ truth_NK, weights_RN @ answered_NK
    if average == "micro":
        return _ratio(2 * hits.sum(1), (support + answers).sum(1))
    f1_RK = _ratio(2 * hits, support + answers)
    return _mean_of(f1_RK, support if average == "weighted" else np.ones_like(f1_RK))


def average_precision(scores_NK: Array, truth_NK: Array, weights_RN: Array) -> Array:
    """The mean over classes with samples of Σ_t (recall_t - recall_{t-1}) precision_t, (R,)."""
    each = []
    for scores, truth in zip(scores_NK.T, truth_NK.T, strict=True):
        positive, negative = _by_threshold(-scores, truth, weights_RN)
        hits, answers = positive.cumsum(1), (positive + negative).cumsum(1)
        precision = np.divide(hits, answers, out=np.zeros_like(hits), where=answers > 0)
        each.append(_ratio((positive * precision).sum(1), hits[:, -1]))
    return _mean_of(np.stack(each, 1))


def auroc(scores_NK: Array, truth_NK: Array, weights_RN: Array) -> Array:
    """The mean over classes of the chance that a sample of the class has a greater score than another sample, (R,)."""
    each = []
    for scores, truth in zip(scores_NK.T, truth_NK.T, strict=True):
        positive, negative = _by_threshold(scores, truth, weights_RN)
        below = negative.cumsum(1) - negative / 2  # of equal scores half count
        each.append(_ratio((positive * below).sum(1), positive.sum(1) * negative.sum(1)))
    return _mean_of(np.stack(each, 1))


def calibration_error(confidence_NE: Array, right_NE: Array, weights_RN: Array) -> Array:
    """Σ_b n_b / n |accuracy_b - confidence_b| over bins of equal width, (R,).

    Args:
        confidence_NE: of E answers of each sample.
        right_NE: 1 where it is right.
        weights_RN: see above.
    """
    gaps_NB = np.zeros((len(confidence_NE), BINS + 1))
    bins_NE = np.clip(np.searchsorted(np.linspace(0, 1, BINS + 1), confidence_NE, side="right") - 1, 0, BINS)
    for bins, gaps in zip(bins_NE.T, (right_NE - confidence_NE).T, strict=True):
        gaps_NB[np.arange(len(bins)), bins] += gaps
    return np.abs(weights_RN @ gaps_NB).sum(1) / (weights_RN.sum(1) * confidence_NE.shape[1])


def r2(outputs_NK: Array, labels_NK: Array, weights_RN: Array) -> Array:
    """The mean over outputs of 1 - Σ (y - ŷ)² / Σ (y - ȳ)²; an output with one label alone is left out, (R,)."""
    centred = labels_NK - labels_NK.mean(0)  # or the squares of great labels would cancel
    total = weights_RN.sum(1, keepdims=True)
    means = (weights_RN @ centred) / total
    spread = weights_RN @ centred**2 - total * means**2
    spread = np.where(spread > 1e-12 * (weights_RN @ centred**2), spread, 0)
    return _mean_of(1 - _ratio(weights_RN @ (labels_NK - outputs_NK) ** 2, spread))


def _by_threshold(scores_N: Array, truth_N: Array, weights_RN: Array) -> tuple[Array, Array]:
    """Weights of samples of the class, and of the others, by rising score; equal scores are one column."""
    order = np.argsort(scores_N, kind="stable")
    begins = np.flatnonzero(np.diff(scores_N[order], prepend=-np.inf) != 0)
    sorted_RN, truth = weights_RN[:, order], truth_N[order]
    if len(begins) == len(order):
        return sorted_RN * truth, sorted_RN * (1 - truth)
    return np.add.reduceat(sorted_RN * truth, begins, 1), np.add.reduceat(sorted_RN * (1 - truth), begins, 1)


def _ratio(one: Array, other: Array) -> Array:
    return np.divide(one, other, out=np.full_like(np.asarray(one, dtype=np.float64), np.nan), where=other > 0)


def _mean_of(values_RK: Array, weights_RK: Array | None = None) -> Array:
    """The mean over those that are defined; NaN where none is."""
    there = ~np.isnan(values_RK)
    weights = there * (1.0 if weights_RK is None else weights_RK)
    return _ratio((np.where(there, values_RK, 0) * weights).sum(1), weights.sum(1))
