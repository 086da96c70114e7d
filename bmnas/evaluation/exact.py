"""Exact tests of whether one system answers more samples right than another. N samples, C clusters of them."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def mcnemar(one: Array, other: Array) -> float:
    """The two-sided p of McNemar's exact test; of either system, whether a sample is answered correctly, (N,)."""
    from scipy.special import bdtr  # scipy.stats takes seconds to import

    better, worse = int((one > other).sum()), int((one < other).sum())
    # Both signs are equally likely, so the test has two equal tails.
    return 1.0 if better == worse else float(2 * bdtr(min(better, worse), better + worse, 0.5))


def sums_of(values: Array, clusters: Array) -> Array:
    """The sum of the values (N,) of each cluster, in the order of their numbers."""
    number = np.unique(clusters, return_inverse=True)[1]
    sums = np.zeros(int(number.max()) + 1, dtype=values.dtype)
    np.add.at(sums, number, values)
    return sums


def sign_flip(sums: Array) -> tuple[float, float]:
    """The exact paired sign-flip test: how likely is a sum as small, and as great, if every sign is a coin's.

    With one seed and without groups it is McNemar's test. The sum of m_i b_i, where b_i is a coin's 0 or 1, has a
    distribution that is found by adding one m_i after the other, because differences of correct answers are whole
    numbers; nothing is drawn.

    Args:
        sums: (C,) whole numbers, of each cluster the sum of its differences over samples and seeds.

    Returns:
        P(sum <= the observed one), P(sum >= it).
    """
    sizes = np.sort(np.abs(sums[sums != 0]))
    if not len(sizes):
        return 1.0, 1.0
    sizes //= np.gcd.reduce(sizes)
    observed = int(sizes.sum() + sums.sum() // np.gcd.reduce(sums)) // 2  # the part of the sum that has the sign +
    chance = np.zeros(int(sizes.sum()) + 1)
    chance[0], reached = 1.0, 0
    for size in sizes:
        half = chance[: reached + 1] / 2
        chance[: reached + 1] = half
        chance[size : size + reached + 1] += half
        reached += int(size)
    return min(1.0, float(chance[: observed + 1].sum())), min(1.0, float(chance[observed:].sum()))
