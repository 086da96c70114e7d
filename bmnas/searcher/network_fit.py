"""The training of one fusion network on cached features, as a `Fit`: Adam with cosine annealing, one phase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from bmnas.fit import evaluate
from bmnas.fit.fit import Fit, Phase
from bmnas.fit.micro_batches import MicroBatches
from bmnas.fit.order import batches
from bmnas.fit.schedule import Cosine
from bmnas.fit.settings import Optimisation
from bmnas.tasks import Data, Samples, Task


def network_fit(
    network: nn.Module,
    task: Task,
    data: Data,
    settings: Optimisation,
    *,
    epochs: int,
    order: Callable[[int], list[Tensor]],
    seed: Callable[..., None],
    subject: str,
) -> Fit:
    """What trains a network that takes features by name.

    Args:
        network: on the device of the data.
        task: gives the loss.
        data: what it is trained on.
        settings: how.
        epochs: of the training.
        order: the batches of an epoch, from 1, each a tensor of rows of the data.
        seed: see `Phase.seed`.
        subject: what is trained, as errors name it.
    """
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(parameters, lr=settings.lr, weight_decay=settings.weight_decay, fused=True)
    steps = epochs * len(batches(torch.arange(len(data)), settings.batch_size))

    def left(epoch: int, done: int) -> Iterator[Samples]:
        return data.batches(order(epoch)[done:])

    def loss(batch: Samples) -> Callable[[slice], Tensor]:
        return lambda part: task.loss(_forward(network, batch, part), batch.labels[part])

    phase = Phase(
        name="weights",
        parameters=parameters,
        optimizer=optimizer,
        schedule=Cosine(optimizer, steps, settings.min_lr),
        batches=left,
        loss=loss,
        seed=seed,
        rate=settings.lr,
    )
    return Fit(network, [phase], epochs=epochs, device=data.device, subject=subject)


def outputs_on(network: nn.Module, data: Data, batch_size: int, micro: MicroBatches | None = None) -> Tensor:
    """What a network gives for all samples of a split in their order, in eval mode, (N, outputs)."""
    micro = micro or MicroBatches(network, data.device)
    return evaluate.outputs(network, partial(_forward, network), data.batches(data.rows().split(batch_size)), micro)


def _forward(network: nn.Module, batch: Samples, part: slice) -> Tensor:
    outputs: Tensor = network(batch[part].features)
    return outputs
