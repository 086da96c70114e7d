"""The training of one fusion network on cached features, as a `Fit`: Adam with cosine annealing, one phase."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.compiler.planned import PlannedModule
from bmnas.fit import evaluate
from bmnas.fit.fit import Batch, Fit, Phase
from bmnas.fit.heads import HeadsFit
from bmnas.fit.micro_batches import MicroBatches
from bmnas.fit.order import batches
from bmnas.fit.schedule import Cosine
from bmnas.fit.settings import Optimisation
from bmnas.searcher.anchor import head_parameters
from bmnas.tasks import Data, Samples, Task


def network_fit(
    network: nn.Module,
    task: Task,
    data: Data,
    settings: Optimisation,
    *,
    epochs: int,
    stop: int | None = None,
    order: Callable[[int], list[Tensor]],
    seed: Callable[..., None],
    subject: str,
    heads: HeadsFit | None = None,
    lose: Callable[[Samples, int, int], Samples] | None = None,
) -> Fit:
    """What trains a network that takes features by name.

    Args:
        network: on the device of the data.
        task: gives the loss.
        data: what it is trained on.
        settings: how.
        epochs: of the training, over which the step size falls.
        stop: after how many it ends; after all if left out.
        order: the batches of an epoch, from 1, each a tensor of rows of the data.
        seed: see `Phase.seed`.
        subject: what is trained, as errors name it.
        heads: how the heads of features were fitted, where the network begins with them, see `learning`.
        lose: ``lose(batch, epoch, step)`` is a batch as it is trained on, where samples lose modalities.
    """
    in_epoch = len(batches(torch.arange(len(data)), settings.batch_size))

    def left(epoch: int, done: int) -> Iterator[Samples]:
        given = data.batches(order(epoch)[done:])
        return given if lose is None else (lose(batch, epoch, step) for step, batch in enumerate(given, done))

    def loss(batch: Samples) -> Callable[[slice], Tensor]:
        return lambda part: task.loss(_forward(network, batch, part), batch.labels[part])

    phase = weights_phase(
        network, settings, batches=left, loss=loss, steps=in_epoch, epochs=epochs, seed=seed, heads=heads
    )
    return Fit(network, [phase], epochs=epochs if stop is None else stop, device=data.device, subject=subject)


def weights_phase(
    network: nn.Module,
    settings: Optimisation,
    *,
    batches: Callable[[int, int], Iterator[Batch]],
    loss: Callable[[Batch], Callable[[slice], Tensor]],
    steps: int,
    epochs: int,
    seed: Callable[..., None],
    heads: HeadsFit | None = None,
) -> Phase[Batch]:
    """The one phase of such a training.

    Args:
        network: see `network_fit`.
        settings: see there.
        batches: see `Phase`.
        loss: see `Phase`.
        steps: of an epoch.
        epochs: over which the step size falls.
        seed: see `Phase.seed`.
        heads: see `learning`.
    """
    groups = learning(network, settings, heads)
    optimizer = torch.optim.Adam(groups, lr=settings.lr, fused=True)
    return Phase(
        name="weights",
        parameters=[parameter for group in groups for parameter in group["params"]],
        optimizer=optimizer,
        schedule=Cosine(optimizer, max(1, epochs * steps), settings.min_lr),
        batches=batches,
        loss=loss,
        seed=seed,
        rate=settings.lr,
        steps=steps,
    )


def learning(
    network: nn.Module, settings: Optimisation, heads: HeadsFit | None, weights: Sequence[nn.Parameter] | None = None
) -> list[dict[str, Any]]:
    """The parameters of a network as an optimiser takes them, in groups with a decay each.

    Heads that were fitted together go on being trained, with the penalty that they were fitted with. Those that were
    fitted each by itself stay as they are: trained together they would become what was worse on held-out samples.

    Args:
        network: what is trained.
        settings: have the decay of all other weights.
        heads: how the heads of features were fitted, if the network begins with them.
        weights: those that are trained; all if left out.
    """
    weights = list(network.parameters() if weights is None else weights)
    if heads is None or not isinstance(network, PlannedModule):
        return [{"params": weights, "weight_decay": settings.weight_decay}]
    fitted = head_parameters(network)
    own = {id(parameter) for parameter in fitted}
    groups = [
        {"params": [each for each in weights if id(each) not in own], "weight_decay": settings.weight_decay},
        {"params": [] if heads.apart else fitted, "weight_decay": heads.l2},
    ]
    return [group for group in groups if group["params"]] or [{"params": fitted, "weight_decay": heads.l2}]


def outputs_on(network: nn.Module, data: Data, batch_size: int, micro: MicroBatches | None = None) -> Tensor:
    """What a network gives for all samples of a split in their order, in eval mode, (N, outputs)."""
    micro = micro or MicroBatches(network, data.device)
    return evaluate.outputs(network, partial(_forward, network), data.batches(data.rows().split(batch_size)), micro)


def _forward(network: nn.Module, batch: Samples, part: slice) -> Tensor:
    outputs: Tensor = network(batch[part].features)
    return outputs
