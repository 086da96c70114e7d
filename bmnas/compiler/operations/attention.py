"""Attention: x asks, y answers (Eq. 6); in the official dialect followed by dropout and layer norm."""

from __future__ import annotations

from torch import Tensor, nn

from bmnas.compiler import functional
from bmnas.compiler.layers import LayerNorm


class Attention(nn.Module):
    """LayerNorm(dropout(softmax(x yᵀ / √C) y)) over (C, L), of the official dialect.

    The released code fixes the dropout at 0.1, whatever the genotype's own rate is.
    """

    def __init__(self, channels: int, length: int, dropout: float = 0.1, seeds: int | None = None) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.ln = LayerNorm(channels, length, seeds)

    def forward(self, query: Tensor, key: Tensor, value: Tensor | None = None) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape; the value is the key if left out."""
        return self.ln(self.dropout(functional.attention(query, key, value)))


class PlainAttention(nn.Module):
    """softmax(x yᵀ / √C) y, of the paper dialect."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor | None = None) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape; the value is the key if left out."""
        return functional.attention(query, key, value)
