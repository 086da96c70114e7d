"""GatedSum: the gated multimodal unit (Arevalo et al., "Gated Multimodal Units for Information Fusion", 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bmnas.compiler.layers import Conv1x1


class GatedSum(nn.Module):
    """Each input is transformed, tanh(xᵢ Wᵢ), and weighted by a gate that sees all inputs, sigmoid([x₁, ...] Vᵢ).

    Two inputs share one gate, g and 1 - g (Fig. 2b there); more have one each (Fig. 2a). The official dialect drops
    out elements of the result, as it does after each of its own operations that have weights.
    """

    def __init__(self, channels: int, arity: int, dropout: float = 0.0, seeds: int | None = None) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(Conv1x1(channels, channels, seeds, bias=False) for _ in range(arity))
        self.gates = nn.ModuleList(
            Conv1x1(arity * channels, channels, seeds, bias=False) for _ in range(1 if arity == 2 else arity)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        together = torch.cat(nodes, dim=-2)
        gates = [gate(together).sigmoid() for gate in self.gates]
        if len(nodes) == 2:
            gates.append(1 - gates[0])
        out = torch.zeros_like(nodes[0])
        for node, transform, gate in zip(nodes, self.transforms, gates, strict=True):
            out = torch.addcmul(out, gate, transform(node).tanh())
        return self.dropout(out)
