"""Mixed precision: networks that compute in 16 bits where that is enough, and weights of 32 bits that are trained.

Of 16-bit numbers ``bfloat16`` has the range of 32-bit ones and fewer digits. ``float16`` has more digits, but small
gradients vanish in it: losses are scaled up for them, and gradients down again before a step (Micikevicius et al., ICLR
2018).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, cast

import torch
from torch import Tensor

Amp = Literal["none", "bfloat16", "float16"]


def computing(amp: Amp, device: torch.device) -> AbstractContextManager[object]:
    """In the block torch computes in these numbers where it takes them for good enough; with ``none`` in 32 bits."""
    return nullcontext() if amp == "none" else torch.autocast(device.type, getattr(torch, amp))


def scaler_of(amp: Amp, device: torch.device) -> torch.amp.GradScaler | None:
    """What scales gradients, where the numbers need it."""
    return torch.amp.GradScaler(device.type) if amp == "float16" else None


def with_gradient_scaled(loss: Tensor, scaler: torch.amp.GradScaler) -> Tensor:
    """The loss, whose gradients come multiplied by the scaler's factor."""
    apply = cast("Callable[[Tensor, Tensor], Tensor]", _Scaled.apply)
    return apply(loss, scaler.scale(torch.ones((), device=loss.device)))


class _Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, loss: Tensor, factor: Tensor) -> Tensor:
        """The loss itself."""
        ctx.save_for_backward(factor)
        return loss.view_as(loss)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None]:
        """The gradient times the factor."""
        (factor,) = ctx.saved_tensors
        return gradients[0] * factor, None
