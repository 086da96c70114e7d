"""How the rows of a comparison differ on the same test samples: intervals, paired tests, corrected for their number.

Seeds are of the same samples, so a sample (or its group) is one unit, and what the seeds say of it is added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bmnas.evaluation.exact import sign_flip, sums_of
from bmnas.evaluation.paired import smallest_mean
from bmnas.evaluation.resampling import Resampling, interval, units_of
from bmnas.report.kept import Answers, Array, Measure

LEVEL = 0.95
RESAMPLES = 1000
_LEAST, _MOST_WEIGHTS = 200, 2**23


@dataclass(frozen=True)
class Interval:
    """A value with its interval; the ends are ``None`` where there is none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference:
    """How far one row is from another by one measure.

    Attributes:
        interval: of the one less the other.
        p: two-sided: how likely so great a difference is, if there is none.
        corrected: the same when so many were tested, by Holm's method; ``None`` until it is known.
        smallest: the smallest difference that so many samples show, at 5 % and with a power of 80 %.
    """

    interval: Interval
    p: float | None
    corrected: float | None
    smallest: float | None


@dataclass(frozen=True, eq=False)
class Drawing:
    """The resamples of a test split, the same for all rows, and what measures gave in them.

    Attributes:
        resampling: draws samples, or whole groups of them.
    """

    resampling: Resampling
    _known: dict[tuple[str, tuple[int, ...]], tuple[Sequence[Answers], Array]] = field(default_factory=dict)

    @classmethod
    def of(cls, answers: Answers) -> Drawing:
        """Of the samples of some answers; of many samples, fewer."""
        units = units_of(len(answers.kept), answers.kept.groups)
        return cls(Resampling(units, max(_LEAST, min(RESAMPLES, _MOST_WEIGHTS // len(units))), 0))

    def values(self, measure: Measure, seeds: Sequence[Answers]) -> Array:
        """The mean of a measure over the seeds in each resample, (R,)."""
        key = (measure.name, tuple(map(id, seeds)))
        if key not in self._known:
            parts = [
                np.mean([measure.resampled(answers, weights) for answers in seeds], axis=0)
                for weights in self.resampling.weights_of(self.resampling.resamples)
            ]
            self._known[key] = (seeds, np.concatenate(parts))  # with the seeds, so that no id comes again
        return self._known[key][1]


def measured(measure: Measure, seeds: Sequence[Answers], drawing: Drawing) -> Interval | None:
    """The mean of a measure over the seeds, with its interval; ``None`` where it is undefined."""
    values = [measure.value(answers) for answers in seeds]
    if any(value is None for value in values) or not values:
        return None
    mean = float(np.mean([value for value in values if value is not None]))
    if drawing.resampling.count < 2:
        return Interval(mean, None, None)
    drawn = drawing.values(measure, seeds)
    if measure.name == "ECE":  # resamples are rougher, so theirs is greater
        drawn = np.maximum(drawn - (drawn.mean() - mean), 0)
    if measure.is_share and mean in (0, 1):
        # Resamples would all be the same: the interval of Clopper and Pearson (1934).
        far = ((1 - LEVEL) / 2) ** (1 / drawing.resampling.count)
        return Interval(mean, *((far, 1.0) if mean else (0.0, 1 - far)))
    return Interval(mean, *interval(drawn, LEVEL))


def differing(
    measure: Measure, one: Sequence[Answers], other: Sequence[Answers], drawing: Drawing
) -> Difference | None:
    """How far one row is from another, seed by seed on the same samples; ``None`` where nothing can be said."""
    values = [measure.value(answers) for answers in (*one, *other)]
    if len(one) != len(other) or not one or any(value is None for value in values) or drawing.resampling.count < 2:
        return None
    numbers = np.array(values, dtype=np.float64)
    difference = float(numbers[: len(one)].mean() - numbers[len(one) :].mean())
    apart = drawing.values(measure, one) - drawing.values(measure, other)
    there = apart[np.isfinite(apart)]
    spread = float(there.std()) if len(there) else 0.0
    if measure.name == "accuracy" and one[0].objective == "single-label":
        p = _flipped(one, other, drawing)
    else:
        tail = min(int((there <= 0).sum()), int((there >= 0).sum()))
        p = min(1.0, 2 * (tail + 1) / (len(there) + 1))
    smallest = smallest_mean(1, spread) if spread > 0 else None
    return Difference(Interval(difference, *interval(apart, LEVEL)), p, None, smallest)


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """The rank correlation; ``None`` of fewer than three pairs, or where one side is all the same."""
    if len(one) < 3:
        return None
    ranks = [_ranks(np.asarray(values, dtype=np.float64)) for values in (one, other)]
    if any(np.ptp(own) == 0 for own in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _flipped(one: Sequence[Answers], other: Sequence[Answers], drawing: Drawing) -> float:
    """By exact sign flips of what samples, or groups, say: of one seed and without groups, McNemar's test."""
    apart = sum((a.right - b.right for a, b in zip(one, other, strict=True)), start=np.zeros(len(one[0].kept)))
    return min(1.0, 2 * min(sign_flip(sums_of(np.rint(apart).astype(np.int64), drawing.resampling.units))))


def _ranks(values: Array) -> Array:
    """From 0; equal values have the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = count.cumsum()
    means: Array = (ends - count + ends - 1) / 2
    return means[place]
