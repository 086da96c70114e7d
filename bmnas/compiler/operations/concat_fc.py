"""ConcatFC: a fully connected layer on the concatenated inputs (Eq. 8; the official dialect adds batch norm)."""

from __future__ import annotations

import torch
from torch import Tensor

from bmnas.compiler.layers import ConvNormReLU, ConvReLU


class ConcatFC(ConvNormReLU):
    """dropout(ReLU(BN(1x1 conv nC→C of the n concatenated inputs))), of the official dialect."""

    def __init__(self, channels: int, arity: int, dropout: float, seeds: int | None = None) -> None:
        super().__init__(arity * channels, channels, dropout, seeds)

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return super().forward(torch.cat(nodes, dim=-2))


class PlainConcatFC(ConvReLU):
    """ReLU([x, y, ...] W + b), of the paper dialect."""

    def __init__(self, channels: int, arity: int, seeds: int | None = None) -> None:
        super().__init__(arity * channels, channels, seeds)

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return super().forward(torch.cat(nodes, dim=-2))
