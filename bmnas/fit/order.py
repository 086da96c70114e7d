"""In which order samples are trained on: batches that a seed and names determine."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from bmnas.fit.seeding import shuffled, stream


class Rows(Protocol):
    """Data whose samples may have several views, each a row."""

    def __len__(self) -> int:
        """How many samples."""
        ...

    def rows(self, generator: torch.Generator | None = None) -> Tensor:
        """The row of each sample, (N,): its first view, or one that the generator draws."""
        ...


def batches(order: Tensor, size: int) -> list[Tensor]:
    """Index tensors of at most ``size``. A last batch of a single sample is left out: batch norm cannot train on it."""
    parts = list(order.split(size))
    return parts[:-1] if len(parts) > 1 and len(parts[-1]) == 1 else parts


def epoch_order(data: Rows, size: int, seed: int, *names: object) -> list[Tensor]:
    """The batches of an epoch, each a tensor of rows of ``data``; ``seed`` and ``names`` determine them.

    Every sample comes once, in one of its views.
    """
    views = torch.Generator().manual_seed(stream(seed, "view", *names))
    return batches(data.rows(views)[shuffled(len(data), seed, *names)], size)


class Shuffles:
    """One permutation after the other, all drawn by one generator; each is known by its number.

    What needs a later one first draws those before it, so that no state of the generator need be kept.

    Args:
        count: of what is shuffled.
        seed: of the generator.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed
        self._generator, self._drawn = torch.Generator(), 0

    def __getitem__(self, number: int) -> Tensor:
        """A permutation of ``range(count)``, (count,) on the CPU; 1 is the first."""
        if self._drawn >= number or not self._drawn:
            self._generator.manual_seed(self._seed)
            self._drawn = 0
        order = torch.empty(0, dtype=torch.int64)
        while self._drawn < number:
            order = torch.randperm(self._count, generator=self._generator)
            self._drawn += 1
        return order
