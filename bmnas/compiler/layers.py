"""The layers with weights, with an optional leading axis of independent seeds. `functional` does the arithmetic.

``seeds`` is the number K of independent copies, or ``None`` for one without the axis: the weights then have PyTorch's
own shapes. Every copy is initialised by itself, as PyTorch initialises the layer of that name. Nodes lie as (B, L, C),
or (K, B, L, C) with seeds.
"""

from __future__ import annotations

from math import sqrt
from typing import Self

import torch
from torch import Tensor, nn

from bmnas.compiler import functional


class Conv1x1(nn.Module):
    """A 1x1 convolution: weight (out, in), bias (out,), initialised as `torch.nn.Conv1d` initialises its own."""

    bias: Tensor | None

    def __init__(self, in_channels: int, out_channels: int, seeds: int | None = None, *, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / sqrt(in_channels)
        self.weight = nn.Parameter(torch.empty(_shape(seeds, out_channels, in_channels)).uniform_(-bound, bound))
        self.register_parameter(
            "bias", nn.Parameter(torch.empty(_shape(seeds, out_channels)).uniform_(-bound, bound)) if bias else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, in) to (B, L, out), or with seeds (K, B, L, in) to (K, B, L, out)."""
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Its sizes, as PyTorch's own layers show theirs."""
        out, own = self.weight.shape[-2:]
        return f"{own}, {out}{'' if self.bias is not None else ', bias=False'}"


class Linear(Conv1x1):
    """`torch.nn.Linear` of a flat node (B, in), or (K, B, in) with seeds."""

    @torch.no_grad()
    def zero_(self) -> Self:
        """Make all weights zero."""
        for parameter in self.parameters():
            parameter.zero_()
        return self


class Scale(nn.Module):
    """Every channel minus a mean, by a deviation, (C,) each: statistics of data, which no training changes."""

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, seeds: int | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(_shape(seeds, channels)))
        self.register_buffer("std", torch.ones(_shape(seeds, channels)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C), or (K, B, L, C) with seeds, to the same shape."""
        return functional.scale(x, self.mean, self.std)

    def extra_repr(self) -> str:
        """Its size."""
        return str(self.mean.shape[-1])


class BatchNorm(nn.Module):
    """`torch.nn.BatchNorm1d` over batch and positions: weight, bias, running_mean and running_var are (C,)."""

    running_mean: Tensor
    running_var: Tensor
    eps = 1e-5

    def __init__(self, channels: int, seeds: int | None = None) -> None:
        super().__init__()
        self.momentum = 0.1
        self.weight = nn.Parameter(torch.ones(_shape(seeds, channels)))
        self.bias = nn.Parameter(torch.zeros(_shape(seeds, channels)))
        self.register_buffer("running_mean", torch.zeros(_shape(seeds, channels)))
        self.register_buffer("running_var", torch.ones(_shape(seeds, channels)))

    def forward(self, x: Tensor, positions: int = 0) -> Tensor:
        """(B, L, C), or (K, B, L, C) with seeds, to the same shape; positions: see `functional.batch_norm`."""
        return functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training,
            momentum=self.momentum,
            eps=self.eps,
            positions=positions,
        )

    def extra_repr(self) -> str:
        """Its size."""
        return str(self.weight.shape[-1])


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`, faster on the CPU, see `functional.dropout`.

    Attributes:
        masks: where its masks come from, if not from PyTorch's own generator.
    """

    masks: functional.Masks | None = None

    def forward(self, input: Tensor, rectified: bool = False) -> Tensor:
        """Any shape; rectified: of max(x, 0)."""
        drop = functional.rectified_dropout if rectified else functional.dropout
        return drop(input, self.p, training=self.training, masks=self.masks)


class LayerNorm(nn.Module):
    """`torch.nn.LayerNorm` over (channels, length): weight and bias are (C, L)."""

    def __init__(self, channels: int, length: int, seeds: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(_shape(seeds, channels, length)))
        self.bias = nn.Parameter(torch.zeros(_shape(seeds, channels, length)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C), or (K, B, L, C) with seeds, to the same shape."""
        return functional.layer_norm(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Its sizes."""
        return ", ".join(map(str, self.weight.shape[-2:]))


def _shape(seeds: int | None, *shape: int) -> tuple[int, ...]:
    return shape if seeds is None else (seeds, *shape)
