"""A small CNN for log-mel spectrograms, the audio backbone of `av-digits`."""

from __future__ import annotations

from torch import Tensor, nn


class AudioCNN(nn.Module):
    """Spectrograms (B, T, bands) to logits (B, classes); time stays the first trailing axis of every stage.

    Three stages of a convolution, batch norm and ReLU: 5x5 with stride 2 (wide, so that it can average noise, and
    cheap), then twice 3x3 with 2x2 max pooling. ``embedding`` flattens the last one (its size is fixed by ``frames``
    and ``bands``) and maps it to ``4 * width`` numbers.

    For 51 frames of 32 bands and width 16: ``stage1`` (B, 16, 26, 16), ``stage2`` (B, 32, 13, 8), ``stage3``
    (B, 64, 6, 4), ``embedding`` (B, 64).
    """

    def __init__(self, classes: int, *, frames: int = 51, bands: int = 32, width: int = 16) -> None:
        """Take ``classes``, the time ``frames`` and mel ``bands`` (at least 7 each), and the channels of stage 1."""
        super().__init__()
        self.stage1 = _stage(nn.Conv2d(1, width, 5, stride=2, padding=2, bias=False), pool=False)
        self.stage2 = _stage(nn.Conv2d(width, 2 * width, 3, padding=1, bias=False), pool=True)
        self.stage3 = _stage(nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False), pool=True)
        flat = 4 * width * (-(-frames // 2) // 4) * (-(-bands // 2) // 4)
        # Without the batch norm, noise can drive every unit below zero, where ReLU gives no gradient to come back.
        self.embedding = nn.Sequential(
            nn.Flatten(), nn.Linear(flat, 4 * width, bias=False), nn.BatchNorm1d(4 * width), nn.ReLU()
        )
        self.dropout = nn.Dropout(0.5)
        self.classify = nn.Linear(4 * width, classes)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Logits (B, classes)."""
        hidden = self.stage3(self.stage2(self.stage1(spectrogram.unsqueeze(1))))
        logits: Tensor = self.classify(self.dropout(self.embedding(hidden)))
        return logits


def _stage(convolution: nn.Conv2d, *, pool: bool) -> nn.Sequential:
    return nn.Sequential(
        convolution,
        nn.BatchNorm2d(convolution.out_channels),
        nn.ReLU(),
        nn.MaxPool2d(2) if pool else nn.Identity(),
    )
