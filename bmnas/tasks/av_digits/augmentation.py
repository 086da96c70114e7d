"""Random shifts of the inputs of `av-digits`, for the training of its backbones and for augmented views.

What leaves on one side comes back on the other: there it is margin or silence under noise, as on this side.
"""

from __future__ import annotations

import torch
from torch import Tensor

# How far, either way: pixels (MNIST's margin is four) and frames (a tenth of a second).
IMAGE_SHIFT = 2
SOUND_SHIFT = 5


def shift_images(images: Tensor) -> Tensor:
    """Each of the images (B, 1, H, W) shifted by up to two pixels in both directions; draws from torch's generator."""
    return _rolled(_rolled(images, IMAGE_SHIFT, axis=2), IMAGE_SHIFT, axis=3)


def shift_sounds(spectrograms: Tensor) -> Tensor:
    """Each of the spectrograms (B, T, bands) shifted by up to five frames; draws from torch's generator."""
    return _rolled(spectrograms, SOUND_SHIFT, axis=1)


def _rolled(batch: Tensor, reach: int, *, axis: int) -> Tensor:
    steps = torch.randint(-reach, reach + 1, (len(batch), 1)).to(batch.device)
    size = batch.shape[axis]
    index = (torch.arange(size, device=batch.device) - steps) % size
    shape = [len(batch), *[size if other == axis else 1 for other in range(1, batch.dim())]]
    return batch.gather(axis, index.view(shape).expand_as(batch))
