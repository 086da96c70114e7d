"""How good the outputs of a network are, as one number on a whole split. The numbers come from torchmetrics.

torchmetrics takes seconds to import, so it is imported when the first score is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.table import Table

Average = Literal["weighted", "macro", "micro"]


@dataclass(frozen=True)
class Metric:
    """A score of outputs against labels.

    Attributes:
        name: as it is shown and recorded.
        score: ``score(outputs, labels)`` of the raw outputs (B, outputs) of a network for B samples.
        higher_is_better: which of two scores is the better one.
    """

    name: str
    score: Callable[[Tensor, Tensor], float]
    higher_is_better: bool = True


def f1(average: Average, threshold: float = 0.5) -> Metric:
    """The F1 score, averaged over classes.

    With class indices (B,) as labels the greatest output is the answer. With labels (B, outputs) in 0 and 1, an output
    is an answer where its sigmoid is above ``threshold``.

    Args:
        average: ``weighted`` (by the samples of each class), ``macro`` (all classes alike) or ``micro`` (all answers
            alike), as torchmetrics has them.
        threshold: a probability, for labels (B, outputs).
    """
    if not 0 < threshold < 1:
        raise BmnasError(f"the threshold of a metric is {threshold}; it is a probability between 0 and 1")
    suffix = "" if threshold == 0.5 else f"@{threshold:g}"
    return Metric(f"f1-{average}{suffix}", partial(_f1, average, threshold))


def from_torchmetrics(
    metric: Any, name: str | None = None, transform: Callable[[Tensor], Tensor] | None = None
) -> Metric:
    """Any metric of torchmetrics.

    Args:
        metric: a ``torchmetrics.Metric`` whose value is one number.
        name: as it is shown; the class's name if left out.
        transform: turns the network's raw outputs into what the metric takes, such as ``torch.sigmoid``.
    Raises:
        BmnasError: the metric does not say which of two values is better.
    """
    if metric.higher_is_better is None:
        raise BmnasError(f"{type(metric).__name__} does not say whether a higher value is better")

    def score(outputs: Tensor, labels: Tensor) -> float:
        fresh = metric.clone().to(outputs.device)
        return float(fresh(outputs if transform is None else transform(outputs), labels))

    return Metric(name or type(metric).__name__, score, metric.higher_is_better)


def get_metric(name: str) -> Metric:
    """The metric of that name, `METRICS`.

    Raises:
        BmnasError: there is none; the message names the nearest one.
    """
    return METRICS.find(name)


def _accuracy(outputs: Tensor, labels: Tensor) -> float:
    """The share of samples, 0 to 1, whose greatest output is at the label; or of labels (B, outputs) answered right."""
    from torchmetrics.functional.classification import multiclass_accuracy, multilabel_accuracy

    if labels.dim() == 1:
        return multiclass_accuracy(outputs, labels, num_classes=outputs.shape[1], average="micro").item()
    return multilabel_accuracy(outputs.sigmoid(), labels.long(), num_labels=outputs.shape[1], average="micro").item()


def _f1(average: Average, threshold: float, outputs: Tensor, labels: Tensor) -> float:
    from torchmetrics.functional.classification import multiclass_f1_score, multilabel_f1_score

    if labels.dim() == 1:
        return multiclass_f1_score(outputs, labels, num_classes=outputs.shape[1], average=average).item()
    count = outputs.shape[1]
    # As probabilities, because torchmetrics applies a sigmoid only where a value lies outside 0 and 1.
    return multilabel_f1_score(outputs.sigmoid(), labels.long(), count, threshold, average).item()


def _squared(outputs: Tensor, labels: Tensor) -> float:
    from torchmetrics.functional.regression import mean_squared_error

    return mean_squared_error(outputs.reshape(labels.shape).contiguous(), labels.contiguous()).item()


accuracy = Metric("accuracy", _accuracy)
mean_squared_error = Metric("mse", _squared, higher_is_better=False)

METRICS = Table("metric", [accuracy, f1("weighted"), f1("macro"), f1("micro"), mean_squared_error])
