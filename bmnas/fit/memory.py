"""Memory that runs out, whatever it is of: how to know it, and a sentence for it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bmnas.errors import BmnasError
from bmnas.fit.room import machine_memory

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


def memory_of(device: torch.device) -> int | None:
    """Bytes of memory that there can be at most on a device; ``None`` where that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return machine_memory() if device.type == "cpu" else None


def smallest_batch(device: torch.device, batch: int) -> int:
    """How many samples have to be worked on at once, of a batch of so many.

    Where memory runs out on a GPU, a batch is worked on in parts (`bmnas.fit.micro_batches`). On a CPU the system ends
    the process before anybody hears of it, so that the batch has to fit.
    """
    return min(batch, 2) if device.type == "cuda" else batch


def keep_freed_memory() -> None:
    """Let this process keep what it frees, for what it asks for next, instead of giving it back to the system.

    A step frees hundreds of megabytes and asks for them again. The GNU C library gives what is free at the end of its
    heap back, and each page that comes anew costs time (`benchmarks/hypernet_steps.py` shows it with several seeds).
    Where there is another C library, nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError, OSError):
        return
    # The one alone would make the other small, and each larger piece a mapping of its own.
    mallopt(_M_MMAP_THRESHOLD, 32 << 20)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
