"""Memory that runs out is known by what PyTorch says of it, and is one sentence for a user."""

from __future__ import annotations

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
