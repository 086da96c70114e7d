"""Memory that runs out, whatever it is of: how to know it, and a sentence for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bmnas.errors import BmnasError

# PyTorch has a type for this on a GPU alone, and libraries below it do not use it.
_SIGNS = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "MPS backend out of memory",
)


class OutOfMemory(BmnasError):
    """There is not enough memory for what was asked for."""


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def make_room(device: torch.device) -> None:
    """Give memory back that PyTorch keeps for later, so that pieces of another size fit."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


@contextmanager
def enough_memory(device: torch.device, hint: str | None = None) -> Iterator[None]:
    """Say in a sentence that memory ran out where nothing smaller can be tried.

    Args:
        device: of whose memory there is not enough.
        hint: what would help.

    Raises:
        OutOfMemory: it ran out inside the block.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        raise OutOfMemory(f"memory ran out on {device}; {hint or _HINT}") from error


_HINT = "use a smaller batch_size, fewer channels, cells, steps or seeds, or another device"
