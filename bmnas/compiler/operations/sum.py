"""Sum: x + y, and so on for more inputs (Eq. 5)."""

from __future__ import annotations

from functools import reduce
from operator import add

from torch import Tensor, nn


class Sum(nn.Module):
    """The sum of the inputs."""

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return reduce(add, nodes)
