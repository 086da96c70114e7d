"""MultiHeadAttention: several heads with projections of their own (Vaswani et al., "Attention Is All You Need", 2017).

The paper's multi-head attention (Fig. 2d) is built from `Attention` steps, which have no projections: two of them on
the same inputs compute the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.operations.attention import DROPOUT, query_key_value
from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.size import Size


def official(b: Builder, nodes: Sequence[Id], size: Size, heads: int) -> Id:
    """The paper dialect's result, then dropout and layer norm over (C, L), as this dialect adds to all attention."""
    return b.layer_norm(b.dropout(paper(b, nodes, size, heads), DROPOUT))


def paper(b: Builder, nodes: Sequence[Id], size: Size, heads: int) -> Id:
    """[head₁, ..., headₕ] W₀ + b₀, headᵢ = softmax(qᵢ kᵢᵀ / √(C/h)) vᵢ on C/h channels.

    Equal to `torch.nn.MultiheadAttention` with the same weights.
    """
    query, key, value = query_key_value(nodes)
    q = b.conv(query, size.channels, "q_proj")
    k = b.conv(key, size.channels, "k_proj")
    v = b.conv(value, size.channels, "v_proj")
    return b.conv(b.attend(q, k, v, heads), size.channels, "out_proj")
