"""Random numbers that depend on named things only (seed, epoch, ...), never on what ran before.

That is what lets a killed run continue exactly: every epoch starts its own stream, so no generator state is stored.
"""

from __future__ import annotations

import hashlib

import torch


def stream(seed: int, *names: object) -> int:
    """The seed of the stream of random numbers with these names: 63 bits of a hash."""
    digest = hashlib.sha256(repr((seed, *names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def shuffled(count: int, seed: int, *names: object) -> torch.Tensor:
    """A permutation of ``range(count)`` that ``seed`` and ``names`` determine, as a CPU tensor (count,)."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(stream(seed, *names)))
