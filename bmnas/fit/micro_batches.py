"""Gradients of a batch in as few parts as memory allows.

Where memory runs out, the batch is divided, and the gradients of its parts are added up with weights part/whole: those
of the whole batch, for a loss that is a plain mean over samples. (One with class weights is a mean by weight; its parts
still count by their samples.) Batch norm sees each part by itself: it normalises by the part's statistics, and its
running ones move once for each part. So a divided batch trains a little differently from a whole one.

Axes: K independent seeds, B batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn

from bmnas.fit.events import MicroBatch
from bmnas.fit.memory import OutOfMemory, make_room, ran_out

T = TypeVar("T")

LEAST = 2  # samples of a part: batch norm cannot train on one


class MicroBatches:
    """How many samples go through a network at once; halved wherever memory runs out, for good.

    A try that fails leaves parameters and running statistics as they were.

    Args:
        network: what runs.
        device: where.

    Attributes:
        device: as given.
        size: of a part, at most (3 where it is 2 and the batch is odd); ``None`` for whole batches.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self.size: int | None = None
        self._told: int | None = None
        self._batch = 0
        self.device = device
        self._statistics = list(network.buffers())
        self._kept = [buffer.detach().clone() for buffer in self._statistics]

    def gradients(
        self,
        parameters: Sequence[nn.Parameter],
        loss: Callable[[slice], Tensor],
        count: int,
    ) -> Tensor:
        """Put the gradient of a batch's loss into ``parameters``; what they had before is dropped.

        Args:
            parameters: those that are to be changed.
            loss: of a part of the batch, the mean over its samples: (), or (K,). A try that failed is repeated, so it
                seeds what is random by itself.
            count: samples of the batch, B.

        Returns:
            The loss of the batch, as its parts had it.

        Raises:
            OutOfMemory: a part cannot be made smaller.
        """

        inputs = [parameter for parameter in parameters if parameter.requires_grad]

        def run(parts: list[slice]) -> Tensor:
            for parameter in parameters:
                parameter.grad = None
            total = None
            for part in parts:
                own = loss(part)
                if len(parts) > 1:
                    own = own * ((part.stop - part.start) / count)
                # The seeds have no parameter in common, so each gets the gradient of its own loss.
                own.sum().backward(inputs=inputs)
                total = own.detach() if total is None else total + own.detach()
            assert total is not None
            return total

        return self._tried(run, count)

    @torch.no_grad()
    def outputs(self, forward: Callable[[slice], Tensor], count: int, axis: int) -> Tensor:
        """What a network gives for a batch: its parts, put together along ``axis``.

        Raises:
            OutOfMemory: a part cannot be made smaller.
        """
        return self._tried(lambda parts: _joined([forward(part) for part in parts], axis), count)

    def resume(self, size: int | None) -> None:
        """Go on with a size that was found before."""
        self.size = self._told = None if size is None else max(LEAST, int(size))

    def news(self) -> Iterator[MicroBatch]:
        """An event, if the size has changed since it was last told."""
        if self.size is not None and self.size != self._told:
            self._told = self.size
            yield MicroBatch(samples=self.size, batch=self._batch)

    def _tried(self, run: Callable[[list[slice]], T], count: int) -> T:
        if self._kept:
            # torch's stubs take the underscore for private; there is no public name of it.
            torch._foreach_copy_(self._kept, self._statistics)  # pyright: ignore[reportPrivateImportUsage]
        while True:
            parts = self._parts(count)
            try:
                return run(parts)
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
            # Only now, because the error holds on to all that the failed try has computed.
            largest = max(part.stop - part.start for part in parts)
            with torch.no_grad():
                for kept, buffer in zip(self._kept, self._statistics, strict=True):
                    buffer.copy_(kept)
            make_room(self.device)
            if largest < 2 * LEAST:
                raise OutOfMemory(
                    f"memory ran out on {self.device} with {largest} samples at once; use fewer channels, cells, "
                    "steps or seeds, or another device"
                )
            self.size, self._batch = max(LEAST, largest // 2), count

    def _parts(self, count: int) -> list[slice]:
        """Nearly equal parts of a batch, none with fewer than two samples if it has two."""
        number = 1 if self.size is None else max(1, min(-(-count // self.size), count // LEAST))
        bounds = [count * n // number for n in range(number + 1)]
        return [slice(start, stop) for start, stop in pairwise(bounds)]


def _joined(parts: list[Tensor], axis: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, axis)
