"""What single samples lose: the task's loss and whether the answer is right, sample by sample. N samples, O outputs."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from bmnas.tasks import MultiLabel, Regression, SingleLabel, Task


def losses(task: Task, outputs: Tensor, labels: Tensor) -> Tensor:
    """The loss of each sample, (N,): its share of the objective's loss, times N, so that their mean is that loss.

    Args:
        task: fitted to the training labels; gives the objective. One of another kind than bmnas has is asked for the
            loss of each sample alone.
        outputs: (N, O).
        labels: as the objective has them.
    """
    objective, outputs = task.objective, outputs.double()
    if isinstance(objective, SingleLabel):
        given = objective.class_weights
        weights = None if given is None else torch.tensor(given, device=outputs.device, dtype=outputs.dtype)
        each = F.cross_entropy(outputs, labels, weights, label_smoothing=objective.label_smoothing, reduction="none")
        return each if weights is None else each / weights[labels].mean().clamp(min=1e-12)
    if isinstance(objective, MultiLabel):
        given = objective.class_weights
        weights = None if given is None else torch.tensor(given, device=outputs.device, dtype=outputs.dtype)
        each = F.binary_cross_entropy_with_logits(outputs, labels.double(), pos_weight=weights, reduction="none")
        return each.mean(1)
    if isinstance(objective, Regression):
        wanted = labels.double().reshape(outputs.shape)
        return _CRITERIA[objective.criterion](outputs, wanted, reduction="none").mean(1)
    return torch.stack([task.loss(outputs[[i]].float(), labels[[i]]) for i in range(len(labels))]).double()


def right(task: Task, outputs: Tensor, labels: Tensor) -> Tensor | None:
    """Whether the greatest output is at the label, (N,); ``None`` where a label is not one class."""
    return outputs.argmax(1) == labels if isinstance(task.objective, SingleLabel) else None


_CRITERIA: dict[str, Callable[..., Tensor]] = {"mse": F.mse_loss, "l1": F.l1_loss, "huber": F.huber_loss}
