"""Random numbers that depend on a seed and named things alone, and leave the caller's random state as it was.

What is random in a step depends on its names (seed, epoch, ...), never on what ran before. That is what lets a killed
run continue exactly: every step starts its own stream, so no generator's state is stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Seed torch's generators of the CPU and of ``device`` inside the block, and restore them after it."""
    device = torch.device(device)
    cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []):
        seed_default(seed, device)
        yield


def seed_default(seed: int, device: str | torch.device = "cpu") -> None:
    """Seed torch's generators of the CPU and of ``device``; what `seeded` does at the beginning of its block."""
    # Not torch.manual_seed: it would also seed the devices that fork_rng does not restore.
    torch.default_generator.manual_seed(seed)
    device = torch.device(device)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def stream(seed: int, *names: object) -> int:
    """The seed of the stream of random numbers with these names: 63 bits of a hash."""
    digest = hashlib.sha256(repr((seed, *names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def shuffled(count: int, seed: int, *names: object) -> torch.Tensor:
    """A permutation of ``range(count)`` that ``seed`` and ``names`` determine, as a CPU tensor (count,)."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(stream(seed, *names)))
