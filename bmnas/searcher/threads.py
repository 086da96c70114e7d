"""How many CPU threads a fusion network is worth: one, until its nodes are large enough to be divided."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from bmnas.tasks.threads import one_thread

# Elements of a tensor from which PyTorch itself divides element-wise work among threads (at::internal::GRAIN_SIZE).
GRAIN = 32_768


def threads_for(node_elements: int) -> AbstractContextManager[None]:
    """A context with one CPU thread where a node (batch · C · L elements) is smaller than PyTorch's grain.

    Below it, threads only wait for each other, and on a busy machine they wait long. The number depends on the
    settings alone, never on a measurement, because another number of threads can give other last bits.
    """
    return one_thread() if node_elements < GRAIN else nullcontext()
