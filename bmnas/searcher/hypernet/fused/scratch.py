"""Memory for intermediate results of a backward, used again and again, so that it stays in the processor's cache.

Memory that is new to the cache takes five times as long to write, and PyTorch's allocator on the CPU gives such memory
as a rule.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

_kept = threading.local()


def scratch(shape: Sequence[int], like: Tensor) -> Tensor:
    """A tensor of that shape with anything in it, valid until the next call in this thread.

    On a GPU it is a new one, whose allocator does this by itself.
    """
    if like.device.type != "cpu":
        return like.new_empty(*shape)
    buffers: dict[torch.dtype, Tensor] = _kept.__dict__.setdefault("buffers", {})
    count, found = prod(shape), buffers.get(like.dtype)
    if found is None or found.numel() < count:
        found = buffers[like.dtype] = torch.empty(count, dtype=like.dtype)
    return found[:count].view(*shape)
