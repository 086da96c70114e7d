"""Random numbers that depend on a seed alone, and leave the caller's random state as it was."""

from __future__ import annotations

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
