"""The measures of each kind of labels, in the order in which they are shown; a new one is a line in a table here.

A measure is computed twice: as scikit-learn has it, which is its value, and for many resamples at once
(`bmnas.evaluation.weighted`), which gives its interval. scikit-learn takes seconds to import, so it is imported when
something is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch

from bmnas.evaluation import weighted
from bmnas.evaluation.answers import Answers, Array
from bmnas.tasks import Metric, MultiLabel, Regression

Resampled = Callable[[Answers, Array], Array]


class Undefined(Exception):
    """A measure does not exist for these labels; the message says why."""


@dataclass(frozen=True)
class Measure:
    """One of them.

    Attributes:
        name: as it is shown.
        value: of answers; raises `Undefined`.
        resampled: of answers and weights (R, N), a value for each resample, (R,); NaN where it is undefined.
        higher_is_better: which of two is the better one.
        is_share: whether people read it in percent.
        by_rank: whether a resample costs much, because samples are ordered anew for each class.
        is_biased: whether resamples give greater values, because they are rougher; their mean is moved to the value.
        of_samples: a mean of what is 0 or 1 for each sample, so that its interval has an exact form; ``None`` if not.
    """

    name: str
    value: Callable[[Answers], float]
    resampled: Resampled
    higher_is_better: bool = True
    is_share: bool = False
    by_rank: bool = False
    is_biased: bool = False
    of_samples: Callable[[Answers], Array] | None = None


def measures_of(answers: Answers, more: Sequence[Metric] = ()) -> list[Measure]:
    """Those that fit.

    Args:
        answers: what is measured.
        more: metrics of one's own, behind the others.
    """
    known = _for(answers)
    names = {measure.name for measure in known}
    return known + [_own(metric) for metric in more if metric.name not in names]


def _for(answers: Answers) -> list[Measure]:
    if isinstance(answers.objective, Regression):
        return _REGRESSION
    several = isinstance(answers.objective, MultiLabel)
    top = [] if several or answers.outputs.shape[1] <= _TOP else [_TOP_FIVE]
    suffix = f"@{answers.objective.threshold:g}" if isinstance(answers.objective, MultiLabel) else ""
    suffix = "" if suffix == "@0.5" else suffix
    averages: tuple[Literal["micro", "macro", "weighted"], ...] = ("micro", "macro", "weighted")
    f1 = [
        Measure(f"f1-{average}{suffix}", partial(_f1, average), partial(_f1s, average), is_share=False)
        for average in averages
    ]
    return [*(_SEVERAL if several else [_ACCURACY, *top]), *f1, *_PROBABILITIES]


def _shares(name: str, values: Callable[[Answers], Array]) -> Measure:
    """The share of samples for which something holds."""
    return Measure(
        name,
        lambda answers: float(values(answers).mean()),
        lambda answers, weights: weighted.mean(values(answers), weights),
        is_share=True,
        of_samples=values,
    )


def _means(name: str, values: Callable[[Answers], Array], higher_is_better: bool) -> Measure:
    """The mean of a value of each sample."""
    return Measure(
        name,
        lambda answers: float(values(answers).mean()),
        lambda answers, weights: weighted.mean(values(answers), weights),
        higher_is_better,
    )


def _in_top(answers: Answers) -> Array:
    best = answers.outputs.topk(_TOP, dim=1).indices
    return (best == answers.labels[:, None]).any(1).double().numpy()


def _f1(average: Literal["micro", "macro", "weighted"], answers: Answers) -> float:
    from sklearn.metrics import f1_score

    there = np.flatnonzero(answers.truth.any(0) | answers.answered.any(0))
    if not len(there):
        raise Undefined("no sample has a class, and none is the answer")
    truth, answered = answers.truth, answers.answered
    if average == "micro":
        return float(f1_score(truth.ravel(), answered.ravel()))
    # One by one: of a single column scikit-learn would take "not of the class" for a class, too.
    each = [f1_score(truth[:, k], answered[:, k]) for k in there]
    support = truth[:, there].sum(0)
    if average == "weighted" and not support.any():
        raise Undefined("no sample has a class")
    return float(np.average(each, weights=support if average == "weighted" else None))


def _f1s(average: Literal["micro", "macro", "weighted"], answers: Answers, weights: Array) -> Array:
    return weighted.f1(answers.truth, answers.answered, average, weights)


def _map(answers: Answers) -> float:
    from sklearn.metrics import average_precision_score

    there = np.flatnonzero(answers.truth.any(0))
    if not len(there):
        raise Undefined("no class has a sample")
    scores, truth = answers.probabilities, answers.truth
    return float(np.mean([average_precision_score(truth[:, k], scores[:, k]) for k in there]))


def _auroc(answers: Answers) -> float:
    from sklearn.metrics import roc_auc_score

    truth, scores = answers.truth, answers.probabilities
    there = np.flatnonzero(truth.any(0) & ~truth.all(0))
    if not len(there):
        raise Undefined("no class has both samples that are of it and samples that are not")
    return float(np.mean([roc_auc_score(truth[:, k], scores[:, k]) for k in there]))


def _brier(answers: Answers) -> Array:
    """Of one class the sum over classes, as Brier (1950) has it; of several the mean, as each is a forecast."""
    squares = (answers.probabilities - answers.truth) ** 2
    found: Array = squares.mean(1) if isinstance(answers.objective, MultiLabel) else squares.sum(1)
    return found


def _ece(answers: Answers) -> float:
    # Not torchmetrics' own, with which tests compare it: importing that takes longer than all the rest.
    return float(_eces(answers, np.ones((1, len(answers))))[0])


def _eces(answers: Answers, weights: Array) -> Array:
    if isinstance(answers.objective, MultiLabel):
        return weighted.calibration_error(answers.probabilities, answers.truth, weights)
    confidence = answers.probabilities.max(1)
    return weighted.calibration_error(confidence[:, None], answers.right[:, None], weights)


def _errors(answers: Answers) -> Array:
    return (answers.outputs.double() - answers.labels.double()).numpy()


def _rmse(answers: Answers) -> float:
    from sklearn.metrics import mean_squared_error

    return float(mean_squared_error(answers.labels.double(), answers.outputs.double()) ** 0.5)


def _mae(answers: Answers) -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(answers.labels.double(), answers.outputs.double()))


def _r2(answers: Answers) -> float:
    from sklearn.metrics import r2_score

    labels, outputs = answers.labels.double().numpy(), answers.outputs.double().numpy()
    there = np.flatnonzero((labels != labels[0]).any(0))
    if not len(there):
        raise Undefined("all labels are the same" if len(labels) > 1 else "there is one sample")
    return float(r2_score(labels[:, there], outputs[:, there]))


def _own(metric: Metric) -> Measure:
    """A metric of which nothing is known but its value: a resample is put together and scored."""

    def resampled(answers: Answers, weights: Array) -> Array:
        found = []
        for row in weights.astype(np.int64):
            part = answers.part(torch.from_numpy(np.repeat(np.arange(len(answers)), row)))
            found.append(float(metric.score(part.outputs, part.labels)))
        return np.array(found)

    def value(answers: Answers) -> float:
        found = float(metric.score(answers.outputs, answers.labels))
        if not np.isfinite(found):
            raise Undefined(f"it is {found} for these labels")
        return found

    return Measure(metric.name, value, resampled, metric.higher_is_better, metric.name == "accuracy", by_rank=True)


_TOP = 5
_ACCURACY = _shares("accuracy", lambda answers: answers.right)
_TOP_FIVE = _shares("top-5 accuracy", _in_top)
_SEVERAL = [
    Measure(
        "accuracy",
        lambda answers: float((answers.truth == answers.answered).mean()),
        lambda answers, weights: weighted.mean((answers.truth == answers.answered).mean(1), weights),
        is_share=True,
    ),
    _shares("all right", lambda answers: answers.right),
]
_PROBABILITIES = [
    Measure(
        "mAP",
        _map,
        lambda answers, weights: weighted.average_precision(answers.probabilities, answers.truth, weights),
        by_rank=True,
    ),
    Measure(
        "AUROC",
        _auroc,
        lambda answers, weights: weighted.auroc(answers.probabilities, answers.truth, weights),
        by_rank=True,
    ),
    _means("log-likelihood", lambda answers: answers.log_likelihoods, True),
    _means("Brier score", _brier, False),
    Measure("ECE", _ece, _eces, higher_is_better=False, is_biased=True),
]
_REGRESSION = [
    _means("mse", lambda answers: (_errors(answers) ** 2).mean(1), False),
    Measure(
        "MAE",
        _mae,
        lambda answers, weights: weighted.mean(np.abs(_errors(answers)).mean(1), weights),
        higher_is_better=False,
    ),
    Measure(
        "RMSE",
        _rmse,
        lambda answers, weights: weighted.mean((_errors(answers) ** 2).mean(1), weights) ** 0.5,
        higher_is_better=False,
    ),
    Measure(
        "R²",
        _r2,
        lambda answers, weights: weighted.r2(
            answers.outputs.double().numpy(), answers.labels.double().numpy(), weights
        ),
    ),
]


def outputs_of_regression(answers: Answers) -> list[dict[str, Any]]:
    """Errors of each output, in its own unit."""
    rows = []
    for k, name in enumerate(answers.names):
        own = Answers(
            answers.outputs[:, [k]], answers.labels[:, [k]], answers.objective, (name,), answers.groups, answers.ids
        )
        try:
            explained: float | None = _r2(own)
        except Undefined:
            explained = None
        rows.append({"name": name, "mae": _mae(own), "rmse": _rmse(own), "r2": explained})
    return rows
