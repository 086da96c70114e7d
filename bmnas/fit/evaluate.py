"""The one loop in which a network is run over data to be scored: in eval mode, in as few parts as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn

from bmnas.fit.micro_batches import MicroBatches

Batch = TypeVar("Batch", bound=Sized)


@torch.no_grad()
def outputs(
    network: nn.Module,
    forward: Callable[[Batch, slice], Tensor],
    batches: Iterable[Batch],
    micro: MicroBatches,
    axis: int = 0,
) -> Tensor:
    """What a network gives for all batches, put together along ``axis``. It stays in eval mode.

    Args:
        network: the network.
        forward: what it gives for some samples of a batch: ``forward(batch, part)``.
        batches: each with its number of samples as length.
        micro: how many samples go through at once; those of the network's training where there was one.
        axis: that of the samples.

    Raises:
        OutOfMemory: a part of a batch cannot be made smaller.
    """
    network.eval()
    return torch.cat([micro.outputs(partial(forward, batch), len(batch), axis) for batch in batches], axis)
