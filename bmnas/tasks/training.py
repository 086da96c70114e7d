"""The small loop that trains a backbone on samples in memory, and the pass that evaluates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bmnas.fit.seeding import seeded
from bmnas.tasks.progress import Progress, Report, silent


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained with AdamW (Loshchilov and Hutter, ICLR 2019); without weight decay that is Adam.

    Attributes:
        epochs: passes over the samples.
        batch_size: samples a step.
        learning_rate: Adam's step size at the start; it falls to zero along a cosine.
        weight_decay: the share of a weight that is taken off at a step, per unit of learning rate.
        seed: of the order of the samples, and of whatever is random in the network.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    seed: int = 0


def train(
    module: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    settings: TrainingSettings,
    *,
    augment: Callable[[Tensor], Tensor] | None = None,
    device: str | torch.device = "cpu",
    phase: str = "training",
    report: Report = silent,
) -> None:
    """Train ``module`` in place; on return it is on ``device``, in train mode.

    Args:
        module: maps a batch of inputs (B, ...) to outputs.
        inputs: (N, ...).
        labels: (N, ...).
        loss: ``loss(outputs, labels)`` is the mean over the batch.
        settings: how.
        augment: changes a batch of inputs at random before the module sees it; draws from torch's generators.
        device: where.
        phase: the name of this work in reports; one report an epoch.
        report: receives them.
    """
    module.to(device).train()
    inputs, labels = inputs.to(device), labels.to(device)
    steps = settings.epochs * -(-len(labels) // settings.batch_size)
    optimizer = torch.optim.AdamW(module.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    report(Progress(phase, 0, settings.epochs))
    with seeded(settings.seed, device):
        for epoch in range(1, settings.epochs + 1):
            total = torch.zeros((), device=device)
            for chosen in torch.randperm(len(labels)).split(settings.batch_size):
                if len(chosen) > 1 or len(labels) == 1:  # batch norm cannot normalise a single sample
                    chosen = chosen.to(device)
                    batch = inputs[chosen] if augment is None else augment(inputs[chosen])
                    batch_loss = loss(module(batch), labels[chosen])
                    optimizer.zero_grad()
                    batch_loss.backward()
                    optimizer.step()
                    total += batch_loss.detach() * len(chosen)
                schedule.step()
            report(Progress(phase, epoch, settings.epochs, f"loss {total.item() / len(labels):.3f}"))


@torch.no_grad()
def outputs_of(
    module: nn.Module, inputs: Tensor, *, device: str | torch.device = "cpu", batch_size: int = 256
) -> Tensor:
    """What ``module`` returns for the inputs (N, ...) in eval mode, on the CPU: (N, ...)."""
    module.to(device).eval()
    return torch.cat([module(batch.to(device)).cpu() for batch in inputs.split(batch_size)])
