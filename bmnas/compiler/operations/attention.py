"""Attention: x asks, y answers (Eq. 6); in the official dialect followed by dropout and layer norm."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.size import Size

DROPOUT = 0.1
"""Of attention in the official dialect: the released code fixes it, whatever the genotype's own rate is."""


def official(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """LayerNorm(dropout(softmax(x yᵀ / √C) y)) over (C, L)."""
    return b.layer_norm(b.dropout(paper(b, nodes, size), DROPOUT))


def paper(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """softmax(x yᵀ / √C) y; of three inputs, softmax(x yᵀ / √C) z."""
    return b.attend(*query_key_value(nodes))


def query_key_value(nodes: Sequence[Id]) -> tuple[Id, Id, Id]:
    """The value is the key if it is left out."""
    return nodes[0], nodes[1], nodes[-1]
