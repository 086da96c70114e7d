"""Tests of two systems on the same samples, and how small a difference a number of samples can show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# Two-sided 5 %, and a power of 80 %.
_ALPHA, _POWER = 0.05, 0.8


def paired(differences: Tensor, groups: Tensor | None = None) -> tuple[float, float, float]:
    """The mean of differences (N,), its standard error, and the p-value of a one-sided t-test that it is above 0.

    Where samples are of groups, those of a group count as one: the error is that of Liang and Zeger, "Longitudinal data
    analysis using generalized linear models" (1986), for a mean, √(G / (G - 1) Σ_g (Σ_{i in g} d_i - d̄)²) / N, and the
    test has G - 1 degrees of freedom. Without groups each sample is one, which is the usual test.

    Args:
        differences: of each sample.
        groups: (N,) numbers, if samples are not independent. Where all are of one group it is as if there were none.
    """
    import torch
    from scipy.special import stdtr

    d = differences.double().cpu()
    mean = float(d.mean())
    own = torch.arange(len(d)) if groups is None else groups.cpu().unique(return_inverse=True)[1]
    if int(own.max()) == 0:
        own = torch.arange(len(d))
    count = int(own.max()) + 1
    if count < 2:
        return mean, 0.0, 1.0
    sums = torch.zeros(count, dtype=torch.float64).index_add_(0, own, d - mean)
    error = math.sqrt(count / (count - 1) * float(sums.square().sum())) / len(d)
    if error <= 1e-12 * abs(mean) or error == 0:
        return mean, error, 0.0 if mean > 0 else 1.0
    return mean, error, float(stdtr(count - 1, -mean / error))


def smallest_accuracy(samples: int, discordant: float) -> float | None:
    """The smallest difference of two accuracies that McNemar's test shows, or ``None`` if it can show none.

    A difference δ needs n = (z_{α/2} √ψ + z_β √(ψ - δ²))² / δ² samples, where ψ is the share that exactly one of the
    two gets right: Connor, "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43 (1987), p. 209. δ is at most ψ; n falls with δ, so δ is found by bisection.

    Args:
        samples: n.
        discordant: ψ.
    """
    if discordant <= 0 or samples < needed(discordant, discordant):
        return None
    low, high = 0.0, discordant
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if samples >= needed(discordant, middle) else (middle, high)
    return high


def needed(discordant: float, difference: float) -> float:
    """How many samples McNemar's test needs to show a difference of accuracies, see `smallest_accuracy`."""
    if difference <= 0:
        return math.inf
    z_alpha, z_beta = _quantiles()
    spread = z_alpha * math.sqrt(discordant) + z_beta * math.sqrt(max(discordant - difference**2, 0))
    return (spread / difference) ** 2


def smallest_mean(samples: int, deviation: float) -> float:
    """The smallest mean of differences that a paired z-test shows: (z_{α/2} + z_β) · deviation / √n.

    Args:
        samples: n.
        deviation: of the differences of single samples.
    """
    return sum(_quantiles()) * deviation / math.sqrt(samples)


def _quantiles() -> tuple[float, float]:
    from scipy.special import ndtri

    return float(ndtri(1 - _ALPHA / 2)), float(ndtri(_POWER))
