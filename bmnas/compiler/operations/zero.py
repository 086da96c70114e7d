"""Zero: discards its inputs (Eq. 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Zero(nn.Module):
    """0, in the shape of the inputs."""

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return torch.zeros_like(nodes[0])
