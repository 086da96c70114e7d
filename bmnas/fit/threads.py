"""Torch on one CPU thread for a while: for small networks it is as fast, and never slow on a busy machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

# Elements of a tensor from which PyTorch itself divides element-wise work among threads (at::internal::GRAIN_SIZE).
GRAIN = 32_768


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread of the CPU inside the block, so that sums have one order on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_for(node_elements: int) -> AbstractContextManager[None]:
    """A context with one CPU thread where a node (batch · C · L elements) is smaller than PyTorch's grain.

    Below it, threads only wait for each other, and on a busy machine they wait long. The number depends on the
    settings alone, never on a measurement, because another number of threads can give other last bits.
    """
    return one_thread() if node_elements < GRAIN else nullcontext()


def cores() -> int:
    """How many cores of the machine this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
