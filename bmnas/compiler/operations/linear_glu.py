"""LinearGLU: a gated linear unit (Eq. 7 on the inputs apart; the official dialect on both together)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bmnas.compiler.layers import BatchNorm, Conv1x1


class LinearGLU(nn.Module):
    """dropout(GLU(BN(1x1 conv 2C→2C of [x, y]))), the gate taken from the second half; of the official dialect."""

    def __init__(self, channels: int, dropout: float, seeds: int | None = None) -> None:
        super().__init__()
        self.conv = Conv1x1(2 * channels, 2 * channels, seeds)
        self.bn = BatchNorm(2 * channels, seeds)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return self.dropout(F.glu(self.bn(self.conv(torch.cat((x, y), dim=-2))), dim=-2))


class PlainLinearGLU(nn.Module):
    """x W₁ ⊙ sigmoid(y W₂) with two C x C matrices, of the paper dialect."""

    def __init__(self, channels: int, seeds: int | None = None) -> None:
        super().__init__()
        self.conv = Conv1x1(channels, channels, seeds, bias=False)
        self.gate = Conv1x1(channels, channels, seeds, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Nodes (B, C, L), or (K, B, C, L) with seeds, to one node of that shape."""
        return self.conv(x) * self.gate(y).sigmoid()
