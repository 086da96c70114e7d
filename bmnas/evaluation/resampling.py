"""Resamples of samples, and the intervals that they give: the percentile bootstrap (Efron, 1979).

Where samples are of groups (persons, sessions), whole groups are drawn, because new data will be of new groups; samples
of one group say nearly the same, and drawn one by one they would make an interval that is too narrow. Axes: R
resamples, N samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bmnas.evaluation.answers import Answers
    from bmnas.evaluation.measures import Measure

Array = np.ndarray[Any, Any]

_CHUNK = 2**24  # weights in memory at once
_RANKED = 2**28  # samples x classes x resamples that are ordered
_LEAST = 200  # resamples, whatever they cost


@dataclass(frozen=True, eq=False)
class Resampling:
    """The same resamples for whatever is measured, so that two systems can be compared on them.

    Attributes:
        units: of each sample, the number of what is drawn with it, (N,): its own, or that of its group.
        resamples: R.
        seed: of the drawing.
    """

    units: Array
    resamples: int
    seed: int

    @classmethod
    def of(cls, answers: Answers, resamples: int, seed: int) -> Resampling:
        """By groups where there are several."""
        return cls(units_of(len(answers), answers.groups), resamples, seed)

    @property
    def count(self) -> int:
        """How many units there are."""
        return int(self.units.max()) + 1

    @property
    def is_by_groups(self) -> bool:
        """Whether a unit has several samples."""
        return self.count < len(self.units)

    def values(self, measure: Measure, *systems: Answers) -> list[Array]:
        """What a measure gives in each resample, (R,), for each of several systems."""
        resamples = self.resamples
        if measure.by_rank:
            cost = len(self.units) * systems[0].outputs.shape[1]
            resamples = min(resamples, max(_LEAST, _RANKED // cost))
        found: list[list[Array]] = [[] for _ in systems]
        for weights in self.weights_of(resamples):
            for system, parts in zip(systems, found, strict=True):
                parts.append(measure.resampled(system, weights))
        return [np.concatenate(parts) for parts in found]

    def weights_of(self, resamples: int) -> Iterator[Array]:
        """How often each sample is in each resample, (some of R, N); all of them at once where there is room."""
        if self.resamples <= self._at_once:
            yield self._kept[:resamples]
            return
        random, left = np.random.default_rng(self.seed), resamples
        while left:
            rows = min(left, self._at_once)
            yield self._drawn(random, rows)
            left -= rows

    @cached_property
    def _kept(self) -> Array:
        return self._drawn(np.random.default_rng(self.seed), self.resamples)

    @property
    def _at_once(self) -> int:
        return max(1, _CHUNK // len(self.units))

    def _drawn(self, random: np.random.Generator, rows: int) -> Array:
        count = self.count
        drawn = [np.bincount(random.integers(count, size=count), minlength=count) for _ in range(rows)]
        return np.stack(drawn)[:, self.units].astype(np.float64)


def units_of(samples: int, groups: Array | None) -> Array:
    """Of each of N samples, the number of what is drawn with it, (N,): of its group (N,), where there are several."""
    if groups is None:
        return np.arange(samples)
    # In the order in which they come, so that groups of one are drawn as samples are.
    _, first, own_group = np.unique(groups, return_index=True, return_inverse=True)
    numbers: Array = first.argsort().argsort()[own_group]
    return numbers if numbers.max() > 0 else np.arange(samples)


def interval(values: Array, level: float) -> tuple[float | None, float | None]:
    """The percentiles between which a share of the values lies; none where a tenth of them is undefined."""
    there = values[np.isfinite(values)]
    if len(there) < 0.9 * len(values):
        return None, None
    low, high = np.percentile(there, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)
