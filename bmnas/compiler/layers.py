"""Layers with an optional leading axis of independent seeds. They hold weights; `functional` does the arithmetic.

``seeds`` is the number K of independent copies, or ``None`` for one without the axis: the weights then have PyTorch's
own shapes. Every copy is initialised by itself, as PyTorch initialises the layer of that name.
"""

from __future__ import annotations

from math import sqrt

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
        """(B, in, L) to (B, out, L), or with seeds (K, B, in, L) to (K, B, out, L)."""
        return functional.linear(x, self.weight, self.bias)


class BatchNorm(nn.Module):
    """`torch.nn.BatchNorm1d` of (B, C, L) nodes: weight, bias, running_mean and running_var are (C,)."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, seeds: int | None = None) -> None:
        super().__init__()
        self.momentum = 0.1
        self.weight = nn.Parameter(torch.ones(_shape(seeds, channels)))
        self.bias = nn.Parameter(torch.zeros(_shape(seeds, channels)))
        self.register_buffer("running_mean", torch.zeros(_shape(seeds, channels)))
        self.register_buffer("running_var", torch.ones(_shape(seeds, channels)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L), or (K, B, C, L) with seeds, to the same shape."""
        statistics = (self.running_mean, self.running_var, self.weight, self.bias)
        return functional.batch_norm(x, *statistics, training=self.training, momentum=self.momentum)


class LayerNorm(nn.Module):
    """`torch.nn.LayerNorm` over (channels, length): weight and bias are (C, L)."""

    def __init__(self, channels: int, length: int, seeds: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(_shape(seeds, channels, length)))
        self.bias = nn.Parameter(torch.zeros(_shape(seeds, channels, length)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L), or (K, B, C, L) with seeds, to the same shape."""
        return functional.layer_norm(x, self.weight, self.bias)


class ConvNormReLU(nn.Module):
    """1x1 convolution, batch norm, ReLU, dropout: (B, in, L) -> (B, out, L)."""

    def __init__(self, in_channels: int, out_channels: int, dropout: float, seeds: int | None = None) -> None:
        super().__init__()
        self.conv = Conv1x1(in_channels, out_channels, seeds)
        self.bn = BatchNorm(out_channels, seeds)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, L) to (B, out, L), or with seeds (K, B, in, L) to (K, B, out, L)."""
        return self.dropout(self.bn(self.conv(x)).relu())


class ConvReLU(nn.Module):
    """1x1 convolution, ReLU: (B, in, L) -> (B, out, L)."""

    def __init__(self, in_channels: int, out_channels: int, seeds: int | None = None) -> None:
        super().__init__()
        self.conv = Conv1x1(in_channels, out_channels, seeds)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, L) to (B, out, L), or with seeds (K, B, in, L) to (K, B, out, L)."""
        return self.conv(x).relu()


def _shape(seeds: int | None, *shape: int) -> tuple[int, ...]:
    return shape if seeds is None else (seeds, *shape)
