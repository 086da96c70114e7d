"""`evaluate`: every measure that fits outputs and labels, with intervals, and what each class contributes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest

from bmnas.errors import BmnasError, short
from bmnas.evaluation.answers import Answers, Array
from bmnas.evaluation.measures import Measure, Undefined, measures_of, outputs_of_regression
from bmnas.evaluation.resampling import Resampling, interval
from bmnas.evaluation.values import ClassScores, Evaluation, Measured, OutputErrors
from bmnas.tasks import Metric, MultiLabel, Objective, Regression, SingleLabel


def evaluate(
    outputs: Any,
    labels: Any,
    objective: Objective | str | None = None,
    *,
    class_names: Sequence[str] | None = None,
    groups: Any = None,
    ids: Sequence[Any] | None = None,
    trained_on: Any = None,
    metrics: Sequence[Metric] = (),
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """How good outputs are.

    Args:
        outputs: (N, O) as a network gives them, logits of classes or numbers: a tensor, an array or lists.
        labels: class numbers (N,), 0 and 1 (N, O), or numbers (N,) or (N, O).
        objective: what they are: `SingleLabel`, `MultiLabel`, `Regression`, or its name; as the labels suggest if it is
            left out.
        class_names: of the O outputs; their numbers if left out.
        groups: (N,) whole numbers or names, to which person, session or patient a sample belongs. Intervals are of new
            groups then.
        ids: names of the samples, for messages.
        trained_on: the labels that were trained on, in any number: classes that are not among them are told.
        metrics: more of them, behind those that fit.
        level: of the intervals.
        resamples: that the intervals come from. Of measures by rank (mAP, AUROC) there are fewer, at least 200, where
            samples and classes are many.
        seed: of the resamples.

    Raises:
        BmnasError: labels are absent, of another number than samples, or cannot be ones; an output is no finite number.

    Example:
        >>> found = evaluate([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1])
        >>> round(found["accuracy"].value, 3), found.confusion
        (0.667, ((1, 0), (1, 1)))
    """
    if not 0 < level < 1:
        raise BmnasError(f"level is {short(level)}; it is a share between 0 and 1, such as 0.95")
    if resamples < 1:
        raise BmnasError(f"resamples is {short(resamples)}; it is a whole number from 1")
    answers = Answers.checked(outputs, labels, objective, class_names, groups, ids)
    drawing = Resampling.of(answers, resamples, seed)
    kind, is_single = answers.objective, isinstance(answers.objective, SingleLabel)
    return Evaluation(
        objective=kind.name,
        samples=len(answers),
        groups=count_of_groups(answers),
        measures=tuple(_measured(measure, answers, drawing, level) for measure in measures_of(answers, metrics)),
        classes=() if isinstance(kind, Regression) else tuple(_classes(answers)),
        confusion=_confusion(answers) if is_single else None,
        errors=tuple(OutputErrors(**row) for row in outputs_of_regression(answers))
        if isinstance(kind, Regression)
        else (),
        one_sample=None if isinstance(kind, Regression) else 1 / len(answers),
        remarks=tuple(_remarks(answers, trained_on, drawing)),
        level=level,
        resamples=resamples,
        seed=seed,
    )


def count_of_groups(answers: Answers) -> int | None:
    """How many groups the samples are of; ``None`` where they are independent."""
    return None if answers.groups is None else len(np.unique(answers.groups))


def _measured(measure: Measure, answers: Answers, drawing: Resampling, level: float) -> Measured:
    shown: dict[str, Any] = {
        "name": measure.name,
        "higher_is_better": measure.higher_is_better,
        "is_share": measure.is_share,
    }
    try:
        value = measure.value(answers)
    except Undefined as error:
        return Measured(**shown, value=None, why=str(error))
    if drawing.count < 2:
        return Measured(**shown, value=value)
    (values,) = drawing.values(measure, answers)
    if measure.is_biased:
        values = np.maximum(values - (values.mean() - value), 0)
    low, high = interval(values, level)
    if measure.of_samples is not None and value in (0, 1):
        low, high = _exact(int(value), drawing.count, level)
    return Measured(**shown, value=value, low=low, high=high)


def _exact(value: int, count: int, level: float) -> tuple[float, float]:
    """The interval of Clopper and Pearson (1934) where all samples are alike: resamples would all be the same."""
    found = binomtest(value * count, count).proportion_ci(level)
    return float(found.low), float(found.high)


def _classes(answers: Answers) -> Iterator[ClassScores]:
    hits = (answers.truth * answers.answered).sum(0)
    support, answered = answers.truth.sum(0), answers.answered.sum(0)
    for k, name in enumerate(answers.names):
        yield ClassScores(
            name=name,
            support=int(support[k]),
            answers=int(answered[k]),
            precision=_ratio(hits[k], answered[k]),
            recall=_ratio(hits[k], support[k]),
            f1=_ratio(2 * hits[k], support[k] + answered[k]),
        )


def _ratio(one: float, other: float) -> float | None:
    return float(one / other) if other else None


def _confusion(answers: Answers) -> tuple[tuple[int, ...], ...]:
    from sklearn.metrics import confusion_matrix

    classes = np.arange(answers.outputs.shape[1])
    counts: Array = confusion_matrix(answers.labels, answers.outputs.argmax(1), labels=classes)
    return tuple(tuple(row) for row in counts.tolist())


def _remarks(answers: Answers, trained_on: Any, drawing: Resampling) -> Iterator[str]:
    """What one has to know of the numbers."""
    kind, count = answers.objective, len(answers)
    if count == 1:
        yield "there is one sample, so there are no intervals"
    if answers.groups is not None and count > 1 and not drawing.is_by_groups and len(set(answers.groups.tolist())) == 1:
        yield "all samples are of one group, so intervals are of new samples of that group, not of new groups"
    if isinstance(kind, Regression):
        constant = [answers.names[k] for k in np.flatnonzero((answers.labels == answers.labels[0]).all(0).numpy())]
        if constant and count > 1:
            yield f"all labels are the same in {_listed('output', constant)}, where R² is undefined"
        return
    if isinstance(kind, SingleLabel) and len(answers.labels.unique()) == 1:
        yield f"all samples are of class {answers.names[int(answers.labels[0])]}"
    absent = [answers.names[k] for k in np.flatnonzero(~answers.truth.any(0))]
    if absent:
        yield f"no sample is of {_listed('class', absent)}: means over classes leave out what is undefined there"
    if trained_on is not None:
        unseen = _unseen(answers, trained_on)
        if unseen:
            yield f"the training saw no sample of {_listed('class', unseen)}, which these samples have"


def _unseen(answers: Answers, trained_on: Any) -> list[str]:
    labels = np.asarray(trained_on)
    if isinstance(answers.objective, MultiLabel):
        seen = labels.astype(bool).any(0)
    else:
        seen = np.isin(np.arange(answers.outputs.shape[1]), labels)
    return [answers.names[k] for k in np.flatnonzero(answers.truth.any(0) & ~seen)]


def _listed(what: str, names: Sequence[str]) -> str:
    """``class 3``, ``classes 3, 5 and 7``, or the first of many."""
    plural = {"class": "classes", "output": "outputs"}[what]
    if len(names) == 1:
        return f"{what} {names[0]}"
    if len(names) > 8:
        return f"{plural} {', '.join(names[:8])} and {len(names) - 8} more"
    return f"{plural} {', '.join(names[:-1])} and {names[-1]}"
