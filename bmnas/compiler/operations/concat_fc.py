"""ConcatFC of the official dialect: a fully connected layer on the concatenated inputs (Eq. 8 has no norm)."""

from __future__ import annotations

import torch
from torch import Tensor

from bmnas.compiler.layers import ConvNormReLU


class ConcatFC(ConvNormReLU):
    """dropout(ReLU(BN(1x1 conv nC→C of the n concatenated inputs)))."""

    def __init__(self, channels: int, arity: int, dropout: float, seeds: int | None = None) -> None:
        super().__init__(arity * channels, channels, dropout, seeds)

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return super().forward(torch.cat(nodes, dim=-2))
