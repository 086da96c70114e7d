"""What the labels of a task are, and so its loss, its usual metric, and the checks of the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.table import Table
from bmnas.tasks.metrics import Metric, accuracy, f1, mean_squared_error

Weights = tuple[float, ...] | Literal["balanced"] | None


class Objective(Protocol):
    """A kind of labels. A new kind is a class with these members, and a line in `OBJECTIVES`.

    One whose outputs are logits says so, ``logits = True``: they may be divided by a temperature.
    """

    name: ClassVar[str]

    @property
    def metric(self) -> Metric:
        """The usual metric."""
        ...

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The mean over a batch: outputs (B, outputs) and labels -> ()."""
        ...

    def cast(self, labels: Tensor) -> Tensor:
        """The labels in the type that the loss takes."""
        ...

    def problem(self, labels: Tensor, outputs: int) -> tuple[int, str] | None:
        """The first label that cannot be one, as its index and a sentence's end (``is 12, but ...``); or ``None``."""
        ...

    def fitted(self, labels: Tensor, outputs: int) -> Self:
        """The objective with what depends on the training labels, such as balanced weights.

        Raises:
            BmnasError: these labels teach nothing, such as one class only; or there are not as many class weights as
                outputs. The message begins with a verb.
        """
        ...


@dataclass(frozen=True)
class SingleLabel:
    """One class for each sample: labels (N,) in 0 to outputs - 1, cross entropy, accuracy.

    Attributes:
        class_weights: a factor of the loss for each class, or ``"balanced"``: N / (classes · N of the class).
        label_smoothing: as in `torch.nn.CrossEntropyLoss`.
    """

    name: ClassVar[str] = "single-label"
    logits: ClassVar[bool] = True
    class_weights: Weights = None
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _refuse_wrong_weights(self.class_weights)
        if not (_is_number(self.label_smoothing) and 0 <= self.label_smoothing < 1):
            raise BmnasError(f"label_smoothing is {short(self.label_smoothing)}; it is a share from 0 to below 1")

    @property
    def metric(self) -> Metric:
        """Accuracy."""
        return accuracy

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy."""
        weight = _weights(self.class_weights, outputs)
        return F.cross_entropy(outputs, labels, weight, label_smoothing=self.label_smoothing)

    def cast(self, labels: Tensor) -> Tensor:
        """64-bit integers; numbers that are not whole stay as they are, for `problem` to name."""
        return _whole(labels)

    def problem(self, labels: Tensor, outputs: int) -> tuple[int, str] | None:
        """A label that is not a class index."""
        if labels.dim() != 1:
            return 0, f"has shape {tuple(labels.shape[1:])}, but a class index is one number"
        if labels.is_floating_point():
            wrong = labels != labels.round()
            index = int(wrong.nonzero()[0]) if wrong.any() else 0
            return index, f"is {labels[index].item():g}, but a class index is a whole number"
        wrong = (labels < 0) | (labels >= outputs)
        if wrong.any():
            index = int(wrong.nonzero()[0])
            return index, f"is {labels[index].item()}, but the task has {outputs} classes, 0 to {outputs - 1}"
        return None

    def fitted(self, labels: Tensor, outputs: int) -> Self:
        """With balanced weights as numbers."""
        _check_weights(self.class_weights, outputs)
        counts = torch.bincount(labels, minlength=outputs)
        if (counts > 0).sum() < 2:
            raise BmnasError(f"has one class only: every label is {labels[0].item()}")
        if self.class_weights != "balanced":
            return self
        present = counts.clamp(min=1).double()
        return replace(self, class_weights=tuple((len(labels) / (int((counts > 0).sum()) * present)).tolist()))


@dataclass(frozen=True)
class MultiLabel:
    """Any number of classes for each sample: labels (N, outputs) in 0 and 1, binary cross entropy, F1.

    Attributes:
        class_weights: a factor of the loss of each class's positive labels (`pos_weight` of
            `torch.nn.BCEWithLogitsLoss`), or ``"balanced"``: negatives / positives of the class.
        threshold: the probability above which a class counts as an answer, for the metric.
    """

    name: ClassVar[str] = "multi-label"
    logits: ClassVar[bool] = True
    class_weights: Weights = None
    threshold: float = 0.5

    def __post_init__(self) -> None:
        _refuse_wrong_weights(self.class_weights)
        if not (_is_number(self.threshold) and 0 < self.threshold < 1):
            raise BmnasError(f"threshold is {short(self.threshold)}; it is a probability between 0 and 1")

    @property
    def metric(self) -> Metric:
        """Weighted F1, as for MM-IMDB."""
        return f1("weighted", self.threshold)

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Binary cross entropy, mean over samples and classes."""
        return F.binary_cross_entropy_with_logits(outputs, labels, pos_weight=_weights(self.class_weights, outputs))

    def cast(self, labels: Tensor) -> Tensor:
        """32-bit floats."""
        return labels.float()

    def problem(self, labels: Tensor, outputs: int) -> tuple[int, str] | None:
        """Labels of another number, or other than 0 and 1."""
        if labels.dim() != 2 or labels.shape[1] != outputs:
            return (
                0,
                f"has shape {tuple(labels.shape[1:])}, but the task has {outputs} classes: ({outputs},) in 0 and 1",
            )
        wrong = ((labels != 0) & (labels != 1)).any(dim=1)
        if wrong.any():
            index = int(wrong.nonzero()[0])
            value = next(value for value in labels[index].tolist() if value not in (0, 1))
            return index, f"has {value:g}, but a label of several classes is 0 or 1"
        return None

    def fitted(self, labels: Tensor, outputs: int) -> Self:
        """With balanced weights as numbers."""
        _check_weights(self.class_weights, outputs)
        positive = labels.double().sum(dim=0)
        if bool(((positive == 0) | (positive == len(labels))).all()):
            raise BmnasError("has the same labels for every sample")
        if self.class_weights != "balanced":
            return self
        return replace(self, class_weights=tuple(((len(labels) - positive) / positive.clamp(min=1)).tolist()))


@dataclass(frozen=True)
class Regression:
    """Numbers for each sample: labels (N, outputs), or (N,) where there is one; mean squared error.

    Attributes:
        criterion: the loss: ``mse`` (squared), ``l1`` (absolute) or ``huber`` (squared up to 1, then absolute).
    """

    name: ClassVar[str] = "regression"
    logits: ClassVar[bool] = False
    criterion: Literal["mse", "l1", "huber"] = "mse"

    def __post_init__(self) -> None:
        if self.criterion not in _CRITERIA:
            near = did_you_mean(self.criterion, _CRITERIA)
            raise BmnasError(f"the criterion of a regression is {self.criterion!r}{near}")

    @property
    def metric(self) -> Metric:
        """Mean squared error."""
        return mean_squared_error

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The criterion, mean over samples and outputs."""
        return _CRITERIA[self.criterion](outputs, labels.reshape(outputs.shape))

    def cast(self, labels: Tensor) -> Tensor:
        """32-bit floats."""
        return labels.float()

    def problem(self, labels: Tensor, outputs: int) -> tuple[int, str] | None:
        """Labels of another number, or not finite."""
        rows = labels[:, None] if labels.dim() == 1 else labels
        if rows.dim() != 2 or rows.shape[1] != outputs:
            return 0, f"has shape {tuple(labels.shape[1:])}, but the task has {outputs} outputs"
        wrong = ~rows.isfinite().all(dim=1)
        return (int(wrong.nonzero()[0]), "is not a finite number") if wrong.any() else None

    def fitted(self, labels: Tensor, outputs: int) -> Self:
        """Itself."""
        if bool((labels == labels[0]).all()):
            raise BmnasError("has the same label for every sample")
        return self


_CRITERIA: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mse": F.mse_loss, "l1": F.l1_loss, "huber": F.huber_loss}

OBJECTIVES: Table[Any] = Table("objective", [SingleLabel, MultiLabel, Regression])


def _refuse_wrong_weights(weights: object) -> None:
    if weights is None or weights == "balanced":
        return
    if not isinstance(weights, tuple) or not all(_is_number(weight) and 0 <= weight <= _MOST for weight in weights):
        raise BmnasError(
            f'class_weights is {short(weights)}; it is a tuple with a positive number for each class, or "balanced"'
        )


# As 32-bit floats have them.
_MOST = 1e30


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_weights(weights: Weights, outputs: int) -> None:
    if isinstance(weights, tuple) and len(weights) != outputs:
        raise BmnasError(f"has {len(weights)} class weights, but {outputs} classes")


def _weights(weights: Weights, outputs: Tensor) -> Tensor | None:
    if weights is None:
        return None
    if weights == "balanced":
        raise ValueError("balanced weights are numbers only after `fitted`")
    return torch.tensor(weights, device=outputs.device, dtype=outputs.dtype)


def _whole(labels: Tensor) -> Tensor:
    if labels.is_floating_point() and not bool((labels == labels.round()).all()):
        return labels
    return labels.long()
