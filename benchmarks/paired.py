"""Two systems on the same test samples: tests of their difference, intervals, and correction for many comparisons.

What is compared was trained with K seeds each. A sample's difference is the mean over the seeds; samples of one group,
such as those of one person, are one cluster, and any other sample is a cluster of its own. All tests and intervals are
of new clusters, the networks being those that were trained. Axes: K seeds, N samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import t

from bmnas.evaluation.exact import mcnemar, sign_flip, sums_of
from bmnas.evaluation.paired import paired, smallest_accuracy

Array = np.ndarray[Any, Any]

RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """How one system differs from another; above 0 the first one is better.

    Attributes:
        accuracy: difference of the shares of correct answers, 0 to 1; the interval is of Student's t over clusters.
        likelihood: difference of the mean log-likelihoods; the interval is a bootstrap over clusters.
        below: p of the exact sign-flip test over samples, one-sided: the first system is worse.
        above: likewise: it is better.
        below_by_groups: the same over groups; that over samples where there are none.
        above_by_groups: likewise.
        least: the smallest p that so many groups can have, or samples where there are none.
        mcnemar: two-sided p of the exact test by McNemar with the first seed.
        shown: the smallest difference that McNemar's test with the first seed shows with a power of 80 %, by Connor's
            formula; `None` where the two differ on too few samples.
        samples: N.
        groups: how many; `None` where samples are independent.
        seeds: K.
    """

    accuracy: Interval
    likelihood: Interval
    below: float
    above: float
    below_by_groups: float
    above_by_groups: float
    least: float
    mcnemar: float
    shown: float | None
    samples: int
    groups: int | None
    seeds: int

    @property
    def hardest_below(self) -> float:
        """The p to show with that the first system is worse: whichever test finds so sooner."""
        return min(self.below, self.below_by_groups)

    @property
    def hardest_above(self) -> float:
        """The p to show with that it is better: whichever test finds so later."""
        return max(self.above, self.above_by_groups)


def compared(
    correct_KN: tuple[Array, Array], likelihood_KN: tuple[Array, Array], groups: Array | None = None
) -> Comparison:
    """Compare two systems.

    Args:
        correct_KN: of either, whether a sample is answered correctly, (K, N).
        likelihood_KN: of either, the log-likelihood of a sample's label, (K, N).
        groups: (N,) numbers, where samples are of groups. One group alone is as none.
    """
    one, other = (each.astype(np.int64) for each in correct_KN)
    seeds, samples = one.shape
    if groups is not None and len(np.unique(groups)) < 2:
        groups = None
    own = np.arange(samples)
    clusters = own if groups is None else groups
    differences = (one - other).sum(0)
    likelihoods = (likelihood_KN[0].astype(np.float64) - likelihood_KN[1]).mean(0)
    by_sample = sign_flip(differences)
    by_groups = sign_flip(sums_of(differences, clusters))
    count = len(np.unique(clusters))
    discordant = float((one[0] != other[0]).mean())
    return Comparison(
        accuracy=student(differences / seeds, clusters),
        likelihood=bootstrap(likelihoods, clusters),
        below=by_sample[0],
        above=by_sample[1],
        below_by_groups=by_groups[0],
        above_by_groups=by_groups[1],
        least=0.5**count,
        mcnemar=mcnemar(one[0], other[0]),
        shown=smallest_accuracy(samples, discordant),
        samples=samples,
        groups=None if groups is None else count,
        seeds=seeds,
    )


def student(values: Array, clusters: Array) -> Interval:
    """The mean of values (N,), its interval that of Student's t with the cluster-robust error."""
    mean, error, _ = paired(torch.from_numpy(values), torch.from_numpy(clusters))
    count = len(np.unique(clusters))
    half = float(t.ppf(0.975, max(1, count - 1))) * error
    return Interval(mean, mean - half, mean + half)


def bootstrap(values: Array, clusters: Array, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean of values (N,), its interval that of the percentiles of means of clusters drawn with replacement."""
    sums, sizes = sums_of(values, clusters), sums_of(np.ones(len(values)), clusters)
    random, count = np.random.default_rng(seed), len(sums)
    means = np.empty(resamples)
    for number in range(resamples):
        drawn = random.integers(count, size=count)
        means[number] = sums[drawn].sum() / sizes[drawn].sum()
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def spread(values: Sequence[float], digits: int) -> str:
    """Mean ± standard deviation; the mean alone where all values are the same."""
    mean = f"{float(np.mean(values)):.{digits}f}"
    return mean if len(set(values)) < 2 else f"{mean} ± {float(np.std(values, ddof=1)):.{digits}f}"


def error_of_mean(values: Sequence[float]) -> float:
    """The standard error of a mean of independent values; infinite where there is one."""
    return math.inf if len(values) < 2 else float(np.std(values, ddof=1)) / math.sqrt(len(values))
