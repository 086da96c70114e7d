"""An operation that knows nothing about seeds, once for each seed of a hypernet."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class PerSeed(nn.Module):
    """K independent modules, of which the k-th computes the nodes of seed k."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        super().__init__()
        self.seeds = nn.ModuleList(modules)

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (K, B, C, L) to one node of that shape."""
        return torch.stack([module(*(node[k] for node in nodes)) for k, module in enumerate(self.seeds)])
