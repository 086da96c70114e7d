"""GatedSum: the gated multimodal unit (Arevalo et al., "Gated Multimodal Units for Information Fusion", 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.size import Size


def official(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """The paper dialect's result with elements dropped out, as after each of this dialect's operations with weights."""
    return b.dropout(paper(b, nodes, size), size.dropout)


def paper(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """Σ tanh(xᵢ Wᵢ) ⊙ gᵢ: each input is transformed and weighted by a gate that sees all inputs, sigmoid([x₁, ...] Vᵢ).

    Two inputs share one gate, g and 1 - g (Fig. 2b there); more have one each (Fig. 2a).
    """
    together = b.concat(*nodes)
    gates = [
        b.sigmoid(b.conv(together, size.channels, f"gates.{i}", bias=False))
        for i in range(1 if len(nodes) == 2 else len(nodes))
    ]
    if len(nodes) == 2:
        gates.append(b.complement(gates[0]))
    transformed = [b.tanh(b.conv(x, size.channels, f"transforms.{i}", bias=False)) for i, x in enumerate(nodes)]
    return b.sum(*(b.product(gate, x) for gate, x in zip(gates, transformed, strict=True)))
