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

    def rows(self, views: torch.Generator | None = None) -> Tensor:
        """The row of each sample, (N,): its first view, or one that the generator draws."""


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
