"""Bilinear: low-rank bilinear pooling (Kim et al., "Hadamard Product for Low-rank Bilinear Pooling", ICLR 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.size import Size


def official(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """dropout(batch norm of the paper dialect's result): products of products have scales of their own."""
    return b.dropout(b.batch_norm(paper(b, nodes, size)), size.dropout)


def paper(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """(tanh(x₁ U₁ + b₁) ⊙ tanh(x₂ U₂ + b₂) ⊙ ...) P + c: what is bilinear in the inputs, of rank C (Eq. 8 there)."""
    factors = [b.tanh(b.conv(x, size.channels, f"factors.{i}")) for i, x in enumerate(nodes)]
    return b.conv(b.product(*factors), size.channels, "project")
