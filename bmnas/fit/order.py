"""In which order samples are trained on: batches that a seed and names determine."""

from __future__ import annotations

from collections.abc import Sequence
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
    return batches(_order(data, seed, *names), size)


def stacked_order(data: Sequence[Rows], size: int, seeds: Sequence[int], *names: object) -> list[Tensor]:
    """The batches of an epoch of K trainings that go side by side, each the rows of all, one after the other, (K·B,).

    All make as many steps as the one that has most samples; those that have fewer begin anew at the end of an epoch.

    Args:
        data: of each training; all of the same rows.
        size: B, of a batch of one training.
        seeds: of each training; they and ``names`` determine the batches.
        names: see `epoch_order`.
    """
    longest = max(map(len, data))
    orders = [_order(own, seed, *names) for own, seed in zip(data, seeds, strict=True)]
    repeated = [order.repeat(-(-longest // len(order)))[:longest] for order in orders]
    return [torch.cat(parts) for parts in zip(*(batches(order, size) for order in repeated), strict=True)]


def _order(data: Rows, seed: int, *names: object) -> Tensor:
    """The rows of an epoch, (N,): every sample once, in one of its views."""
    views = torch.Generator().manual_seed(stream(seed, "view", *names))
    return data.rows(views)[shuffled(len(data), seed, *names)]


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
