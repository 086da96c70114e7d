"""The parts of a fusion network around its operations in the paper dialect: what the paper writes down, no more.

No batch norm, no layer norm, no residual. The paper's Section 3.1 reshapes by pooling, interpolation and a fully
connected layer; the output nodes of a cell are reduced by Eq. 8. It does not say where its dropout is (Table 8), nor
what its classifier is: here the dropout follows the reshape layers, and the classifier is a linear layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bmnas.compiler.blocks import Reshape
from bmnas.compiler.layers import Conv1x1, ConvReLU


class PlainReshape(Reshape):
    """Pooling, 1x1 conv, dropout: a feature, live or pooled, to (B, C, L). The arguments are those of `Reshape`."""

    @staticmethod
    def make_layer(in_channels: int, channels: int, dropout: float, seeds: int | None) -> nn.Module:
        """The layer after the pooling."""
        return nn.Sequential(Conv1x1(in_channels, channels, seeds), nn.Dropout(dropout))


class PlainCellOutput(nn.Module):
    """The end of a cell: its output nodes, concatenated and reduced by ReLU(W + b) where there are several."""

    def __init__(self, nodes: int, channels: int, length: int, dropout: float, seeds: int | None = None) -> None:
        super().__init__()
        self.reduce = ConvReLU(nodes * channels, channels, seeds) if nodes > 1 else None

    def forward(self, nodes: Sequence[Tensor], x: Tensor | None) -> Tensor:
        """nodes: the output nodes, each (B, C, L) -> (B, C, L); x: not used here. With seeds (K, B, C, L)."""
        return nodes[0] if self.reduce is None else self.reduce(torch.cat(tuple(nodes), dim=-2))


class PlainNetworkOutput(nn.Module):
    """The end of the network: output nodes concatenated on channels, flatten, linear (or none: the flattened nodes)."""

    def __init__(self, nodes: int, channels: int, length: int, outputs: int | None, seeds: int | None = None) -> None:
        super().__init__()
        self.head = None if outputs is None else Conv1x1(nodes * channels * length, outputs, seeds)

    def forward(self, nodes: Sequence[Tensor]) -> Tensor:
        """nodes: N tensors (B, C, L) -> (B, outputs), or (B, N·C·L) without a head; with seeds (K, B, ...)."""
        fused = torch.cat(tuple(nodes), dim=-2).flatten(-2)
        return fused if self.head is None else self.head(fused.unsqueeze(-1)).squeeze(-1)
