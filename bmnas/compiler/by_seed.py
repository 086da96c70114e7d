"""Layers of several seeds, whose forward and backward write each seed's part where it belongs.

Composed of PyTorch's own for one seed, every part would be copied to lie beside the others, forward and backward, and
the gradient of a wide weight into another order. Axes: K seeds, R rows, I and O channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x Wᵀ + b of each seed. x: (K, R, I); weight: (K, O, I); bias: (K, O). Returns (K, R, O)."""
    y: Tensor = _Linear.apply(x, weight, bias)
    return y


def batch_norm(
    x: Tensor, running_mean: Tensor, running_var: Tensor, weight: Tensor, bias: Tensor, momentum: float, eps: float
) -> Tensor:
    """Batch norm of each seed's rows, in train mode. x: (K, R, C); the others (K, C). Returns (K, R, C).

    Raises:
        ValueError: a single row has no variance. It is the error of `torch.nn.functional.batch_norm`.
    """
    if x.shape[1] < 2:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {x.shape}")
    # Of rows that lie otherwise, PyTorch's own writes another result where it is told to.
    y: Tensor = _BatchNorm.apply(x.contiguous(), weight, bias, running_mean, running_var, momentum, eps)
    return y


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        columns = weight.transpose(1, 2)
        y = torch.bmm(x, columns) if bias is None else torch.baddbmm(bias.unsqueeze(1), x, columns)
        # Under autocast the product is of other types than what is given.
        ctx.save_for_backward(x.to(y.dtype), weight.to(y.dtype))
        ctx.types = [x.dtype, weight.dtype, None if bias is None else bias.dtype]
        return y

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (dy,) = grad_outputs
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        found = (
            torch.bmm(dy, weight) if of_x else None,
            torch.bmm(dy.transpose(1, 2), x) if of_weight else None,
            dy.sum(1) if of_bias else None,
        )
        return tuple(None if each is None else each.to(own) for each, own in zip(found, ctx.types, strict=True))


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        running_mean: Tensor,
        running_var: Tensor,
        momentum: float,
        eps: float,
    ) -> Tensor:
        y, mean, inverse = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        parts = zip(x, weight, bias, running_mean, running_var, strict=True)
        for own, into in zip(parts, zip(y, mean, inverse, strict=True), strict=True):
            torch.ops.aten.native_batch_norm.out(
                *own, True, momentum, eps, out=into[0], save_mean=into[1], save_invstd=into[2]
            )
        ctx.save_for_backward(x, weight, mean, inverse)
        return y

    # The statistics are constants here: a second derivative would leave out what comes of them, and say nothing.
    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (dy,) = grad_outputs
        x, weight, mean, inverse = ctx.saved_tensors
        # PyTorch's own gives the sums over rows; its gradient of x would be a new tensor for each seed.
        sums = [
            torch.ops.aten.native_batch_norm_backward(*own[:3], None, None, *own[3:], True, 0.0, [False, True, True])
            for own in zip(dy, x, weight, mean, inverse, strict=True)
        ]
        dweight, dbias = (torch.stack([each[i] for each in sums]) for i in (1, 2))
        dx = None
        if ctx.needs_input_grad[0]:
            # gain / σ · (dy - mean(dy) - x̂ · mean(dy · x̂)), in order of powers of x.
            scale = weight * inverse
            share = scale / -x.shape[1]
            slope = share * inverse * dweight
            start = torch.mul(share, dbias).addcmul_(mean, slope, value=-1)
            dx = torch.addcmul(start.unsqueeze(1), dy, scale.unsqueeze(1)).addcmul_(x, slope.unsqueeze(1))
            dx = dx.to(x.dtype)
        return dx, dweight, dbias, None, None, None, None
