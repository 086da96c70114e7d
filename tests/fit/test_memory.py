"""Memory that runs out is known by what PyTorch says of it, and is one sentence for a user."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
import torch

from bmnas.fit.memory import OutOfMemory, enough_memory, ran_out

CPU = torch.device("cpu")
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried ..."),
    RuntimeError("CUDA error: out of memory"),
    MemoryError(),
]


def test_what_pytorch_itself_says_is_understood():
    with pytest.raises(OutOfMemory, match="memory ran out on cpu"), enough_memory(CPU):
        torch.empty(2**50)


def test_what_cannot_be_divided_is_a_sentence_too():
    for error in ERRORS:
        with pytest.raises(OutOfMemory, match=r"^memory ran out on cpu; use a smaller batch_size"), enough_memory(CPU):
            raise error
    with pytest.raises(OutOfMemory, match=r"^memory ran out on cpu; buy some$"), enough_memory(CPU, "buy some"):
        raise ERRORS[0]
    with pytest.raises(RuntimeError, match="shapes"), enough_memory(CPU):
        raise RuntimeError("shapes do not fit")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_says_so(error):
    assert ran_out(error)


@pytest.mark.parametrize("error", [ValueError("CUDA error: out of memory"), RuntimeError("out of bounds"), OSError()])
def test_what_says_something_else(error):
    assert not ran_out(error)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
def test_memory_that_is_kept_is_not_taken_from_the_system_again():
    """In a process of its own, as this cannot be undone."""
    code = """
import resource, torch
from bmnas.fit.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        pieces = [torch.ones(1_000_000) for _ in range(100)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_freed_memory()
faults()
print(faults())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 10_000  # 400 MB have 100,000 pages
