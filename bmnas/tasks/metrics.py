"""How good the outputs of a network are, as one number on a whole split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


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


def _accuracy(outputs: Tensor, labels: Tensor) -> float:
    return (outputs.argmax(dim=1) == labels).sum().item() / len(labels)


# The share of samples, 0 to 1, whose greatest output is at the label; labels are class indices (B,).
accuracy = Metric("accuracy", _accuracy)
