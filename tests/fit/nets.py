"""A small network with all that makes a training hard to continue: dropout, running statistics, momenta, a schedule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.fit.fit import Fit, Phase
from bmnas.fit.order import batches, shuffled
from bmnas.fit.schedule import Cosine
from bmnas.fit.seeding import seed_default, seeded, stream

CPU = torch.device("cpu")


def small_fit(
    epochs: int = 3, phases: int = 1, lr: float = 0.02, one_batch: bool = False, wrong: tuple[object, ...] = ()
) -> Fit:
    """A training of one phase, or of two that change different parameters.

    Args:
        epochs: of the training, each of three steps.
        phases: one or two.
        lr: the step size.
        one_batch: whether all steps have the same batch.
        wrong: phase, epoch and step of which the loss is no number.
    """
    with seeded(7):
        inputs, labels = torch.randn(22, 3), torch.arange(22) % 2
        network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.4), nn.Linear(4, 2))

    def phase(name: str, module: nn.Module) -> Phase[Tensor]:
        parameters = list(module.parameters())
        optimizer = torch.optim.Adam(parameters, lr=lr, fused=True)
        place = [0, 0]

        def seed(epoch: int, step: int, *start: int) -> None:
            place[:] = epoch, step
            seed_default(stream(1, name, epoch, step, *start))

        def loss(rows: Tensor) -> Callable[[slice], Tensor]:
            factor = math.nan if wrong == (name, *place) else 1.0
            return lambda part: nn.functional.cross_entropy(network(inputs[rows[part]]), labels[rows[part]]) * factor

        def left(epoch: int, done: int) -> list[Tensor]:
            order = [torch.arange(8)] * 3 if one_batch else batches(shuffled(22, 1, name, epoch), 8)
            return order[done:]

        return Phase(
            name=name,
            parameters=parameters,
            optimizer=optimizer,
            schedule=Cosine(optimizer, epochs * 3),
            batches=left,
            loss=loss,
            seed=seed,
            rate=lr,
            setting=f"{name}_lr",
            where=f" on the {name} data",
        )

    made = [phase("first", network[0]), phase("second", network[1:])]
    if phases == 1:
        made = [phase("first", network)]
    return Fit(network, made, epochs=epochs, device=CPU, subject="the toy")


def finished(fit: Fit) -> Fit:
    """Do all that remains."""
    for _ in fit.steps():
        pass
    return fit


def plain(state: Any) -> Any:
    """Nested values that can be compared, tensors as lists."""
    if isinstance(state, dict):
        return {key: plain(item) for key, item in state.items()}
    if isinstance(state, list | tuple):
        return [plain(item) for item in state]
    return state.tolist() if isinstance(state, Tensor) else state
