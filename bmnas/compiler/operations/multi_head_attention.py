"""MultiHeadAttention: several heads with projections of their own (Vaswani et al., "Attention Is All You Need", 2017).

The paper's multi-head attention (Fig. 2d) is built from `Attention` steps, which have no projections: two of them on
the same inputs compute the same thing.
"""

from __future__ import annotations

from torch import Tensor, nn

from bmnas.compiler import functional
from bmnas.compiler.layers import Conv1x1, LayerNorm


class PlainMultiHeadAttention(nn.Module):
    """[head₁, ..., headₕ] W₀ + b₀, headᵢ = softmax(qᵢ kᵢᵀ / √(C/h)) vᵢ on C/h channels; of the paper dialect.

    Equal to `torch.nn.MultiheadAttention` with the same weights.
    """

    def __init__(self, channels: int, heads: int, seeds: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = Conv1x1(channels, channels, seeds)
        self.k_proj = Conv1x1(channels, channels, seeds)
        self.v_proj = Conv1x1(channels, channels, seeds)
        self.out_proj = Conv1x1(channels, channels, seeds)

    def forward(self, query: Tensor, key: Tensor, value: Tensor | None = None) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape; the value is the key if left out."""
        heads = (
            self._heads(self.q_proj(query)),
            self._heads(self.k_proj(key)),
            self._heads(self.v_proj(key if value is None else value)),
        )
        return self.out_proj(functional.attention(*heads).flatten(-3, -2))

    def _heads(self, node: Tensor) -> Tensor:
        return node.unflatten(-2, (self.heads, -1))


class MultiHeadAttention(PlainMultiHeadAttention):
    """The same, then dropout 0.1 and layer norm over (C, L), which the official dialect adds to all attention."""

    def __init__(self, channels: int, length: int, heads: int, dropout: float = 0.1, seeds: int | None = None) -> None:
        super().__init__(channels, heads, seeds)
        self.dropout = nn.Dropout(dropout)
        self.ln = LayerNorm(channels, length, seeds)

    def forward(self, query: Tensor, key: Tensor, value: Tensor | None = None) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape; the value is the key if left out."""
        return self.ln(self.dropout(super().forward(query, key, value)))
