"""What a network gave for the test split, as a run folder keeps it, and the measures of it.

The numbers are those of `bmnas.evaluation`, whose functions of arrays they come from; only what needs torch there is
done in numpy here. Axes: R resamples, N samples, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bmnas.errors import BmnasError
from bmnas.evaluation import weighted
from bmnas.files import read_bytes
from bmnas.searcher.run.layout import OUTPUTS_LIMIT

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Kept:
    """Outputs and labels of N samples.

    Attributes:
        outputs: (N, O) finite numbers.
        labels: class numbers (N,); 0 and 1 (N, O); or numbers (N,) or (N, O).
        groups: (N,), where samples are of groups.
    """

    outputs: Array
    labels: Array
    groups: Array | None = None

    def __len__(self) -> int:
        return len(self.outputs)

    def has_the_samples_of(self, other: Kept) -> bool:
        """Whether it is of the same samples in the same order, as far as labels tell."""
        return self.outputs.shape == other.outputs.shape and np.array_equal(self.labels, other.labels)


def read_outputs(path: Path) -> Kept:
    """The outputs that a run folder keeps of a row.

    Raises:
        BmnasError: the file is damaged, or has something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = load(read_bytes(path, OUTPUTS_LIMIT, "1 GiB"))
        outputs, labels = np.asarray(content["outputs"], np.float64), content["labels"]
    except (SafetensorError, KeyError, ValueError, TypeError):
        raise BmnasError(f"{path}: does not hold the outputs of a network") from None
    if outputs.ndim != 2 or not len(outputs) or len(labels) != len(outputs) or not np.isfinite(outputs).all():
        raise BmnasError(f"{path}: does not hold an output and a label of each sample")
    groups = content.get("groups")
    return Kept(outputs, labels, groups if groups is not None and groups.shape == (len(outputs),) else None)


@dataclass(frozen=True)
class Measure:
    """A measure of outputs.

    Attributes:
        name: as it is shown.
        resampled: of answers and weights (R, N): a value for each resample, (R,).
        higher_is_better: of two values.
        is_share: whether people read it in percent.
    """

    name: str
    resampled: Callable[[Answers, Array], Array]
    higher_is_better: bool = True
    is_share: bool = False

    def value(self, answers: Answers) -> float | None:
        """Of all samples; ``None`` where it is undefined."""
        found = float(self.resampled(answers, np.ones((1, len(answers.kept))))[0])
        return found if np.isfinite(found) else None


@dataclass(frozen=True, eq=False)
class Answers:
    """Outputs with what they are.

    Attributes:
        kept: outputs and labels.
        objective: ``single-label``, ``multi-label`` or ``regression``.
        threshold: the probability above which a class is an answer, of several classes at once.
    """

    kept: Kept
    objective: str
    threshold: float = 0.5

    @cached_property
    def probabilities(self) -> Array:
        """(N, O), by softmax of one class, by sigmoid of several."""
        if self.objective == "single-label":
            return np.asarray(np.exp(self._log_softmax))
        return np.asarray(np.exp(-np.logaddexp(0, -self.kept.outputs)))

    @cached_property
    def truth(self) -> Array:
        """Which classes a sample is of, (N, O) in 0 and 1."""
        if self.objective == "single-label":
            return np.eye(self.kept.outputs.shape[1])[self.kept.labels.astype(np.int64)]
        return self.kept.labels.astype(np.float64)

    @cached_property
    def answered(self) -> Array:
        """Which classes are the answer, (N, O) in 0 and 1."""
        if self.objective == "single-label":
            return np.eye(self.kept.outputs.shape[1])[self.kept.outputs.argmax(1)]
        return (self.probabilities > self.threshold).astype(np.float64)

    @cached_property
    def right(self) -> Array:
        """Whether all of a sample's answer is right, (N,) in 0 and 1."""
        return (self.truth == self.answered).all(1).astype(np.float64)

    @cached_property
    def log_likelihoods(self) -> Array:
        """Of each sample's label in nats, (N,); of several classes the mean over them."""
        if self.objective == "single-label":
            rows = np.arange(len(self.kept))
            return np.asarray(self._log_softmax[rows, self.kept.labels.astype(np.int64)])
        x = self.kept.outputs
        return np.asarray(-(np.logaddexp(0, x) - self.truth * x).mean(1))

    @property
    def confidence(self) -> Array:
        """Of each answer, (N, E): of one class that of the answer, of several that of each."""
        return self.probabilities.max(1, keepdims=True) if self.objective == "single-label" else self.probabilities

    @property
    def hits(self) -> Array:
        """What the confidence is of, (N, E) in 0 and 1."""
        return self.right[:, None] if self.objective == "single-label" else self.truth

    @cached_property
    def errors(self) -> Array:
        """Outputs less labels, (N, O), of numbers."""
        return np.asarray(self.kept.outputs - self.kept.labels.reshape(self.kept.outputs.shape))

    @cached_property
    def _log_softmax(self) -> Array:
        x = self.kept.outputs - self.kept.outputs.max(1, keepdims=True)
        return np.asarray(x - np.log(np.exp(x).sum(1, keepdims=True)))


def answers_of(kept: Kept, record: Mapping[str, Any], model: Mapping[str, Any]) -> Answers:
    """Outputs with the objective of a run.

    Args:
        kept: the outputs.
        record: the run's ``config.json``.
        model: its ``genotype.model.json``, or nothing.

    Raises:
        BmnasError: the objective is none that is known, or the labels are none of it.
    """
    written = str(record.get("objective", ""))
    kinds = {"SingleLabel": "single-label", "MultiLabel": "multi-label", "Regression": "regression"}
    objective = kinds.get(written.partition("(")[0])
    if objective is None:
        raise BmnasError(f"the objective {written[:60]!r} is none that has measures")
    threshold = model.get("threshold")
    answers = Answers(kept, objective, float(threshold) if isinstance(threshold, int | float) else 0.5)
    outputs = kept.outputs.shape[1]
    fits = {
        "single-label": kept.labels.ndim == 1 and bool(((kept.labels >= 0) & (kept.labels < outputs)).all()),
        "multi-label": kept.labels.shape == kept.outputs.shape,
        "regression": kept.labels.size == kept.outputs.size,
    }
    if not fits[objective]:
        raise BmnasError(f"the labels that are kept are none of {objective}")
    return answers


def measures_of(objective: str, metric: str) -> list[Measure]:
    """Those that fit, the task's own metric first where it is one of them."""
    found = _MEASURES[objective]
    own = [measure for measure in found if measure.name == metric.partition("@")[0]]
    return own + [measure for measure in found if measure not in own and measure.name in _SHOWN[objective]]


def class_names(model: Mapping[str, Any], outputs: int) -> list[str]:
    """What the outputs are called."""
    names = model.get("class_names")
    if isinstance(names, Sequence) and not isinstance(names, str) and len(names) == outputs:
        return [str(name) for name in names]
    return [str(number) for number in range(outputs)]


def higher_is_better(metric: str) -> bool | None:
    """Whether a greater score is better by a metric; ``None`` where nobody here knows it."""
    for measures in _MEASURES.values():
        for measure in measures:
            if measure.name == metric.partition("@")[0]:
                return measure.higher_is_better
    return None


def _ece(answers: Answers, weights: Array) -> Array:
    return weighted.calibration_error(answers.confidence, answers.hits, weights)


def _brier(answers: Answers, weights: Array) -> Array:
    squares = (answers.probabilities - answers.truth) ** 2
    each = squares.sum(1) if answers.objective == "single-label" else squares.mean(1)
    return weighted.mean(each, weights)


def _f1(average: Any) -> Measure:
    return Measure(f"f1-{average}", lambda a, w: weighted.f1(a.truth, a.answered, average, w))


_LIKELIHOOD = Measure("log-likelihood", lambda a, w: weighted.mean(a.log_likelihoods, w))
_CLASSES = [
    *(_f1(average) for average in ("macro", "weighted", "micro")),
    _LIKELIHOOD,
    Measure("Brier score", _brier, higher_is_better=False),
    Measure("ECE", _ece, higher_is_better=False),
]
_MEASURES: dict[str, list[Measure]] = {
    "single-label": [Measure("accuracy", lambda a, w: weighted.mean(a.right, w), is_share=True), *_CLASSES],
    "multi-label": [
        Measure("accuracy", lambda a, w: weighted.mean((a.truth == a.answered).mean(1), w), is_share=True),
        *_CLASSES,
    ],
    "regression": [
        Measure("mse", lambda a, w: weighted.mean((a.errors**2).mean(1), w), higher_is_better=False),
        Measure("MAE", lambda a, w: weighted.mean(np.abs(a.errors).mean(1), w), higher_is_better=False),
        Measure("R²", lambda a, w: weighted.r2(a.kept.outputs, a.kept.outputs - a.errors, w)),
    ],
}
_SHOWN = {
    "single-label": ("accuracy", "f1-macro", "log-likelihood", "Brier score", "ECE"),
    "multi-label": ("accuracy", "f1-weighted", "f1-macro", "log-likelihood", "ECE"),
    "regression": ("mse", "MAE", "R²"),
}
