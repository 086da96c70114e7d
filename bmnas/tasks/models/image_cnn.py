"""A small CNN for images, the image backbone of the tasks on digits and of `emoji`."""

from __future__ import annotations

from torch import Tensor, nn


class ImageCNN(nn.Module):
    """Images (B, colours, H, W) to logits (B, classes).

    Three stages of a convolution, batch norm and ReLU: 5x5 with stride 2 (wide, so that it can average noise, and
    cheap), then 3x3 with 2x2 max pooling, then 3x3. ``embedding`` flattens the last one (its size is fixed by ``side``)
    and maps it to ``4 * width`` numbers.

    For images of 28 x 28 and width 16: ``stage1`` (B, 16, 14, 14), ``stage2`` (B, 32, 7, 7), ``stage3`` (B, 64, 7, 7),
    ``embedding`` (B, 64).
    """

    def __init__(self, classes: int, *, side: int = 28, width: int = 16, colours: int = 1) -> None:
        """Take ``classes``, the ``side`` in pixels (a multiple of 4), the channels of stage 1, and of the image."""
        super().__init__()
        self.stage1 = _stage(nn.Conv2d(colours, width, 5, stride=2, padding=2, bias=False), pool=False)
        self.stage2 = _stage(nn.Conv2d(width, 2 * width, 3, padding=1, bias=False), pool=True)
        self.stage3 = _stage(nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False), pool=False)
        flat = 4 * width * (side // 4) ** 2
        # Without the batch norm, noise can drive every unit below zero, where ReLU gives no gradient to come back.
        self.embedding = nn.Sequential(
            nn.Flatten(), nn.Linear(flat, 4 * width, bias=False), nn.BatchNorm1d(4 * width), nn.ReLU()
        )
        self.dropout = nn.Dropout(0.3)
        self.classify = nn.Linear(4 * width, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, classes)."""
        hidden = self.stage3(self.stage2(self.stage1(image)))
        logits: Tensor = self.classify(self.dropout(self.embedding(hidden)))
        return logits


def _stage(convolution: nn.Conv2d, *, pool: bool) -> nn.Sequential:
    return nn.Sequential(
        convolution,
        nn.BatchNorm2d(convolution.out_channels),
        nn.ReLU(),
        nn.MaxPool2d(2) if pool else nn.Identity(),
    )
