"""`compare`: how far two sets of outputs of the same samples are apart, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bmnas.errors import BmnasError
from bmnas.evaluation.answers import Answers, Array
from bmnas.evaluation.evaluate import count_of_groups
from bmnas.evaluation.exact import mcnemar, sign_flip, sums_of
from bmnas.evaluation.measures import Measure, Undefined, measures_of
from bmnas.evaluation.paired import smallest_accuracy, smallest_mean
from bmnas.evaluation.resampling import Resampling, interval
from bmnas.evaluation.values import Comparison, Difference
from bmnas.tasks import Metric, Objective, SingleLabel


def compare(
    outputs: Any,
    other: Any,
    labels: Any,
    objective: Objective | str | None = None,
    *,
    names: tuple[str, str] = ("the first", "the other"),
    groups: Any = None,
    ids: Sequence[Any] | None = None,
    metrics: Sequence[Metric] = (),
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """How two sets of outputs of the same samples differ, by every measure that fits.

    The accuracy of classes is tested exactly: by McNemar's test, or where samples are of groups by flipping the signs
    of whole groups' differences. Everything else is tested by the paired bootstrap: the same samples (or groups) are
    drawn for both, and p is twice the share of differences on the other side of 0 (Efron and Tibshirani, *An
    Introduction to the Bootstrap*, 1993, chapter 15), never below 2 / (resamples + 1). Each p is of one measure alone:
    among many, one is small by chance.

    Args:
        outputs: of the one system, (N, O).
        other: of the other system, for the same samples in the same order.
        labels: of the samples; with all that follows as for `bmnas.evaluate`.
        objective: see there.
        names: what the systems are called.
        groups: see there.
        ids: see there.
        metrics: see there.
        level: see there.
        resamples: see there.
        seed: see there.

    Raises:
        BmnasError: as `bmnas.evaluate`, or the outputs are not of the same samples.
    """
    one = Answers.checked(outputs, labels, objective, None, groups, ids, f"the outputs of {names[0]}")
    two = Answers.checked(other, labels, one.objective, None, groups, ids, f"the outputs of {names[1]}")
    if one.outputs.shape != two.outputs.shape:
        raise BmnasError(
            f"{names[0]} has {one.outputs.shape[1]} outputs and {names[1]} {two.outputs.shape[1]}: they answer "
            "different questions"
        )
    drawing = Resampling.of(one, resamples, seed)
    is_single = isinstance(one.objective, SingleLabel)
    return Comparison(
        one=names[0],
        other=names[1],
        samples=len(one),
        groups=count_of_groups(one),
        differences=tuple(_difference(measure, one, two, drawing, level) for measure in measures_of(one, metrics)),
        only_one=int((one.right > two.right).sum()) if is_single else None,
        only_other=int((one.right < two.right).sum()) if is_single else None,
        remarks=tuple(_remarks(one, two)),
        level=level,
        resamples=resamples,
        seed=seed,
    )


def _difference(measure: Measure, one: Answers, two: Answers, drawing: Resampling, level: float) -> Difference:
    values = [_value(measure, answers) for answers in (one, two)]
    shown: dict[str, Any] = {
        "name": measure.name,
        "higher_is_better": measure.higher_is_better,
        "is_share": measure.is_share,
        "one": values[0],
        "other": values[1],
    }
    if values[0] is None or values[1] is None:
        return Difference(**shown, difference=None)
    difference = values[0] - values[1]
    if drawing.count < 2:
        return Difference(**shown, difference=difference)
    first, second = drawing.values(measure, one, two)
    apart = first - second
    if measure.is_biased:
        apart = apart - (apart.mean() - difference)
    low, high = interval(apart, level)
    there = apart[np.isfinite(apart)]
    p: float | None
    if measure.name == "accuracy" and isinstance(one.objective, SingleLabel):
        p, test, smallest = _of_accuracy(one, two, drawing)
    else:
        p, test = _two_sided(there), "paired bootstrap"
        spread = float(there.std()) if len(there) else 0.0
        smallest = smallest_mean(1, spread) if spread > 0 else None
    return Difference(**shown, difference=difference, low=low, high=high, p=p, test=test, smallest=smallest)


def _value(measure: Measure, answers: Answers) -> float | None:
    try:
        return measure.value(answers)
    except Undefined:
        return None


def _of_accuracy(one: Answers, two: Answers, drawing: Resampling) -> tuple[float, str, float | None]:
    """p, the test, and the smallest difference that could have been shown.

    With groups, by the spread of the groups' sums; else by Connor's formula for McNemar's test.
    """
    apart = (one.right - two.right).astype(np.int64)
    if not drawing.is_by_groups:
        return mcnemar(one.right, two.right), "McNemar", smallest_accuracy(len(apart), float((apart != 0).mean()))
    sums = sums_of(apart, drawing.units)
    p = min(1.0, 2 * min(sign_flip(sums)))
    sizes = sums_of(np.ones(len(apart)), drawing.units)
    residual = sums - apart.mean() * sizes
    error = float(np.sqrt(drawing.count / (drawing.count - 1) * (residual**2).sum()) / len(apart))
    return p, "sign flips of groups", smallest_mean(1, error) if error > 0 else None


def _two_sided(apart: Array) -> float | None:
    if not len(apart):
        return None
    tail = min(int((apart <= 0).sum()), int((apart >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(apart) + 1))


def _remarks(one: Answers, two: Answers) -> Iterator[str]:
    if len(one) == 1:
        yield "there is one sample, so nothing can be shown"
    if bool((one.outputs == two.outputs).all()):
        yield "both give the same outputs for every sample"
