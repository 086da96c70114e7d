"""An operation of your own.

Use it with: bmnas --import examples/own_operation.py compile examples/own-operation.json
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

import bmnas


class Bilinear(bmnas.Options):
    """What a step may say besides its inputs: ``{"op": "LowRankBilinear", "inputs": ["x", "y"], "rank": 8}``."""

    rank: int = Field(default=16, ge=1)


@bmnas.operation(
    equation="(x A ⊙ y B) D  (low-rank bilinear pooling, Kim et al. 2017)",
    options=Bilinear,
)
class LowRankBilinear(nn.Module):
    """The elementwise product of both inputs in a space of ``rank`` channels, mapped back."""

    def __init__(self, size, rank: int) -> None:
        super().__init__()
        self.left = nn.Conv1d(size.channels, rank, 1, bias=False)
        self.right = nn.Conv1d(size.channels, rank, 1, bias=False)
        self.back = nn.Conv1d(rank, size.channels, 1, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Two nodes (B, C, L) to one."""
        return self.back(self.left(x) * self.right(y))
