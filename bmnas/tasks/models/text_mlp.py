"""A small network for bags of words, the text backbone of `emoji`."""

from __future__ import annotations

from torch import Tensor, nn


class TextMLP(nn.Module):
    """Bags of words (B, places) to logits (B, classes).

    What can be tapped, from shallow to deep, with w = ``width``: ``layer1`` (B, 2w), ``layer2`` (B, w), ``layer3``
    (B, w).

    Args:
        classes: outputs of the last layer.
        places: of a bag.
        width: numbers of the last two layers.
        dropout: of words, and in front of the classifier; half of it between the layers.
    """

    def __init__(self, classes: int, places: int, width: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.layer1 = _layer(places, 2 * width, dropout)
        self.layer2 = _layer(2 * width, width, dropout / 2)
        self.layer3 = _layer(width, width, dropout / 2)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))

    def forward(self, bag: Tensor) -> Tensor:
        """Logits (B, classes)."""
        logits: Tensor = self.classify(self.layer3(self.layer2(self.layer1(bag))))
        return logits


def _layer(inputs: int, outputs: int, dropout: float) -> nn.Module:
    return nn.Sequential(
        nn.Dropout(dropout), nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()
    )
