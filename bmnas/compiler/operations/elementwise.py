"""Operations without weights that work element by element: Zero (Eq. 4), Sum (Eq. 5), Mul, Max, Mean."""

from __future__ import annotations

from functools import reduce
from operator import add, mul

import torch
from torch import Tensor, nn


class Zero(nn.Module):
    """0, in the shape of the inputs."""

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return torch.zeros_like(nodes[0])


class Sum(nn.Module):
    """The sum of the inputs."""

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return reduce(add, nodes)


class Mul(nn.Module):
    """The product of the inputs."""

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return reduce(mul, nodes)


class Max(nn.Module):
    """The greatest of the inputs."""

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return reduce(torch.maximum, nodes)


class Mean(nn.Module):
    """The mean of the inputs."""

    def forward(self, *nodes: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return reduce(add, nodes) / len(nodes)
