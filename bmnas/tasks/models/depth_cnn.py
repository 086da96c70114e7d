"""A small CNN for depth clips: 2D convolutions on every frame, then 1D convolutions over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Rows and columns of what is left of a frame before its places become channels.
_PLACES = (4, 3)


class DepthCNN(nn.Module):
    """A clip (B, 1, T, H, W) to logits (B, classes), for any height and width.

    What can be tapped, from shallow to deep, with w = ``width``: ``frame1`` (B, w, T, H/4, W/4), ``frame2``
    (B, 2w, T, H/8, W/8), ``frames`` (B, 8w, T), ``time`` (B, 8w, T/2).

    Args:
        classes: outputs of the last layer.
        width: channels of the first convolution.
        dropout: in front of the classifier; half of it in front of ``frames`` and ``time``.
    """

    def __init__(self, classes: int, width: int = 16, dropout: float = 0.5) -> None:
        super().__init__()
        self.frame1 = _PerFrame(_conv(2, width, 2), nn.MaxPool2d(2))
        self.frame2 = _PerFrame(_conv(width, 2 * width), nn.MaxPool2d(2))
        self.frame3 = _PerFrame(_conv(2 * width, 4 * width), nn.AdaptiveMaxPool2d(_PLACES))
        self.frames = nn.Sequential(
            nn.Dropout1d(dropout / 2),
            nn.Conv1d(4 * width * _PLACES[0] * _PLACES[1], 8 * width, 1, bias=False),
            nn.BatchNorm1d(8 * width),
            nn.ReLU(),
        )
        self.time = nn.Sequential(
            nn.Dropout1d(dropout / 2),
            nn.Conv1d(8 * width, 8 * width, 3, padding=1, bias=False),
            nn.BatchNorm1d(8 * width),
            nn.ReLU(),
            nn.MaxPool1d(2),
        )
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(16 * width, classes))

    def forward(self, clip: Tensor) -> Tensor:
        """Logits (B, classes)."""
        motion = torch.diff(clip, dim=2, append=clip[:, :, -1:])
        images = self.frame3(self.frame2(self.frame1(torch.cat([clip, motion], dim=1))))
        places_as_channels = images.permute(0, 1, 3, 4, 2).flatten(1, 3)
        sequence = self.time(self.frames(places_as_channels))
        # Two halves of the time, because the order of what happens matters.
        logits: Tensor = self.classify(nn.functional.adaptive_avg_pool1d(sequence, 2).flatten(1))
        return logits


class _PerFrame(nn.Module):
    """A 2D network applied to every frame: (B, C, T, H, W) to (B, C', T, H', W')."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, clip: Tensor) -> Tensor:
        batch, frames = clip.shape[0], clip.shape[2]
        folded: Tensor = self.layers(clip.transpose(1, 2).flatten(0, 1))
        return folded.unflatten(0, (batch, frames)).transpose(1, 2)


def _conv(channels: int, out: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()
    )
