"""A 1D CNN for a few channels of sensor readings over time."""

from __future__ import annotations

from torch import Tensor, nn


class InertialCNN(nn.Module):
    """Readings (B, channels, T) to logits (B, classes).

    What can be tapped, from shallow to deep, with w = ``width``: ``block1`` (B, w, T/2), ``block2`` (B, 2w, T/4),
    ``block3`` (B, 4w, T/8), ``block4`` (B, 4w, T/16).

    Args:
        classes: outputs of the last layer.
        channels: of the sensors.
        width: channels of the first block.
        dropout: in front of the classifier; half of it in front of every block but the first.
    """

    def __init__(self, classes: int, channels: int = 6, width: int = 48, dropout: float = 0.5) -> None:
        super().__init__()
        self.block1 = _block(channels, width, 7, 0.0)
        self.block2 = _block(width, 2 * width, 5, dropout / 2)
        self.block3 = _block(2 * width, 4 * width, 5, dropout / 2)
        self.block4 = _block(4 * width, 4 * width, 3, dropout / 2)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(8 * width, classes))

    def forward(self, readings: Tensor) -> Tensor:
        """Logits (B, classes)."""
        sequence = self.block4(self.block3(self.block2(self.block1(readings))))
        # Two halves of the time, because the order of what happens matters.
        logits: Tensor = self.classify(nn.functional.adaptive_avg_pool1d(sequence, 2).flatten(1))
        return logits


def _block(channels: int, out: int, kernel: int, dropout: float) -> nn.Module:
    return nn.Sequential(
        nn.Dropout1d(dropout),
        nn.Conv1d(channels, out, kernel, padding="same", bias=False),
        nn.BatchNorm1d(out),
        nn.ReLU(),
        nn.MaxPool1d(2),
    )
