"""The parts of a fusion network around its operations. The hypernet of a search is built from the same parts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bmnas.compiler.layers import Conv1x1, ConvNormReLU, LayerNorm
from bmnas.compiler.pooling import pool, stretch


class Reshape(nn.Module):
    """Reshape layer: a feature, live or pooled, to (B, C, L): pooling, 1x1 conv, batch norm, ReLU, dropout.

    Section 3.1 of the paper. With ``reshape="none"`` the feature is passed on as it is and there are no parameters.

    Args:
        in_channels: axis 1 of the feature.
        channels: C.
        length: L.
        reshape: ``"sequence"``, ``"grid"`` or ``"none"``, see `pooling.pool`.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        length: int,
        reshape: str = "sequence",
        dropout: float = 0.0,
        seeds: int | None = None,
    ) -> None:
        super().__init__()
        self.length = length
        self.reshape = reshape
        self.seeded = seeds is not None
        self.layer = None if reshape == "none" else self.make_layer(in_channels, channels, dropout, seeds)

    def forward(self, feature: Tensor) -> Tensor:
        """feature: (B, in_channels, *trailing) -> (B, C, L); with seeds (K, B, in_channels, *trailing)."""
        if self.layer is None:
            return feature
        return self.layer(stretch(self._pooled(feature), self.length))

    @staticmethod
    def make_layer(in_channels: int, channels: int, dropout: float, seeds: int | None) -> nn.Module:
        """The layer after the pooling."""
        return ConvNormReLU(in_channels, channels, dropout, seeds)

    def _pooled(self, feature: Tensor) -> Tensor:
        flat = feature.flatten(0, 1) if self.seeded else feature
        pooled = pool(flat, self.reshape, self.length)
        if self.reshape == "grid":
            pooled = pooled.flatten(2)
        return pooled.unflatten(0, feature.shape[:2]) if self.seeded else pooled


class CellOutput(nn.Module):
    """The end of a cell: its output nodes, concatenated and reduced where there are several, + x, layer norm.

    Args:
        nodes: how many output nodes the cell has.
    """

    def __init__(self, nodes: int, channels: int, length: int, dropout: float, seeds: int | None = None) -> None:
        super().__init__()
        self.reduce = ConvNormReLU(nodes * channels, channels, dropout, seeds) if nodes > 1 else None
        self.ln = LayerNorm(channels, length, seeds)

    def forward(self, nodes: Sequence[Tensor], x: Tensor) -> Tensor:
        """nodes: the output nodes; x: the cell's first input; each (B, C, L) -> (B, C, L). With seeds (K, B, C, L)."""
        out = nodes[0] if self.reduce is None else self.reduce(torch.cat(tuple(nodes), dim=-2))
        return self.ln(out + x)


class NetworkOutput(nn.Module):
    """The end of the network: output nodes concatenated on channels, layer norm over (N·C, L), ReLU, flatten, linear.

    Args:
        nodes: N, how many output nodes the network has.
        outputs: of the linear layer, or ``None`` for no head: the flattened fused representation is returned.
    """

    def __init__(self, nodes: int, channels: int, length: int, outputs: int | None, seeds: int | None = None) -> None:
        super().__init__()
        self.ln = LayerNorm(nodes * channels, length, seeds)
        self.head = None if outputs is None else Conv1x1(nodes * channels * length, outputs, seeds)

    def forward(self, nodes: Sequence[Tensor]) -> Tensor:
        """nodes: N tensors (B, C, L) -> (B, outputs), or (B, N·C·L) without a head; with seeds (K, B, ...)."""
        fused = self.ln(torch.cat(tuple(nodes), dim=-2)).relu().flatten(-2)
        return fused if self.head is None else self.head(fused.unsqueeze(-1)).squeeze(-1)
