"""The Maxout MLP for vectors of texts, the text backbone of `mmimdb` (Goodfellow et al., "Maxout Networks", 2013).

Its entries are called as in the released code of BM-NAS.
"""

from __future__ import annotations

from torch import Tensor, nn

_PIECES = 5


class MaxoutMLP(nn.Module):
    """Vectors (B, numbers) to logits (B, classes).

    What can be tapped, before it is normalised: ``op1`` (B, 64) and ``op3`` (B, 128).

    Args:
        classes: outputs of the last layer.
        numbers: of a vector.
        dropout: behind each of the two layers.
    """

    def __init__(self, classes: int, *, numbers: int = 300, dropout: float = 0.5) -> None:
        super().__init__()
        self.op1 = Maxout(numbers, 64)
        self.op2 = nn.Sequential(nn.BatchNorm1d(64), nn.Dropout(dropout))
        self.op3 = Maxout(64, 128)
        self.op4 = nn.Sequential(nn.BatchNorm1d(128), nn.Dropout(dropout))
        self.hid2val = nn.Linear(128, classes)

    def forward(self, vector: Tensor) -> Tensor:
        """Logits (B, classes)."""
        logits: Tensor = self.hid2val(self.op4(self.op3(self.op2(self.op1(vector)))))
        return logits


class Maxout(nn.Module):
    """Vectors (B, inputs) to the greatest of five linear functions for each output, (B, outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.lin = nn.Linear(inputs, outputs * _PIECES)

    def forward(self, x: Tensor) -> Tensor:
        """(B, outputs)."""
        return self.lin(x).unflatten(-1, (-1, _PIECES)).amax(-1)
