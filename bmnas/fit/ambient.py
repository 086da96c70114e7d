"""torch's global state, as a caller may have set it for a purpose of their own, kept away from what bmnas computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import torch

_replaced: ContextVar[bool] = ContextVar("replaced", default=False)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside the block gradients can be had, and tensors are made on the CPU, whatever the caller has switched or set.

    The caller's default type stays: their data and their backbones are made with it. See `single_precision`.
    """
    with torch.inference_mode(False), torch.enable_grad():
        if torch.get_default_device().type == "cpu":
            yield
            return
        token = _replaced.set(True)
        try:
            with torch.device("cpu"):
                yield
        finally:
            _replaced.reset(token)


def running_on(device: torch.device) -> AbstractContextManager[object]:
    """For a backbone that makes tensors without saying where: on its device, if the caller has set a default one."""
    return torch.device(device) if _replaced.get() else nullcontext()


@contextmanager
def single_precision() -> Iterator[None]:
    """Inside the block modules and tensors are made of 32-bit numbers, as features are, whatever the default is."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
