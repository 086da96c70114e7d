"""From a clip to the input of the inflated ResNet-50, (8, 256, 256, 3): frames, height, width, colours.

24 slots are spread over the clip's frames, and 8 of the slots are taken; in training a random part of the slots is cut
off at both ends before that. Two ways:

- ``released``: what the released BM-NAS code computes, to the bit. Slots stand for ⌊linspace(0, n, 24)⌋, where n is the
  number of frames that the file's header says; frame n does not exist, and a clip of fewer than 24 frames fills as many
  slots as it has frames. What is not filled is black: the eighth frame of every plain clip. Colours are blue, green,
  red, but normalised by the means and deviations of red, green, blue.
- ``corrected``: ⌊linspace(0, n - 1, 24)⌋ of the n frames that decode, a frame as often as it is wanted. Colours are
  red, green, blue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.tasks.ntu.skeleton import Preprocessing
from bmnas.tasks.ntu.video_file import Array, Clip

SLOTS, FRAMES = 24, 8
# Of red, green and blue in ImageNet, as torchvision's networks were trained.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def video_input(clip: Clip, preprocessing: Preprocessing, ratio: float = 1.0) -> Tensor:
    """The input (8, height, width, 3) of a sample, float32.

    Args:
        clip: decoded.
        preprocessing: see the file's text.
        ratio: the share of the slots that is used, from 0.5 in training to 1.
    """
    return _normalised(sampled(clip, preprocessing, ratio))


def sampled(clip: Clip, preprocessing: Preprocessing, ratio: float = 1.0) -> Array:
    """The 8 frames (8, height, width, 3) as bytes: blue, green, red if ``released``, else red, green, blue."""
    slots = slot_frames(len(clip), clip.announced or len(clip), preprocessing)
    order = "bgr" if preprocessing == "released" else "rgb"
    first = clip.frames[0]
    frames: Array = np.zeros((FRAMES, first.height, first.width, 3), np.uint8)
    for place, slot in enumerate(taken_slots(ratio)):
        frame = slots[slot]
        if frame is not None:
            frames[place] = clip.colours(frame, order)
    return frames


def slot_frames(decoded: int, announced: int, preprocessing: Preprocessing) -> Sequence[int | None]:
    """The frame in each of the 24 slots; ``None`` is black.

    Args:
        decoded: how many frames there are.
        announced: how many the header says.
        preprocessing: see the file's text.
    """
    if preprocessing == "corrected":
        return [int(frame) for frame in np.linspace(0, decoded - 1, SLOTS).astype(int)]
    wanted = set(np.linspace(0, announced, SLOTS).astype(int).tolist())
    there = [frame for frame in sorted(wanted) if frame < decoded]
    return [*there, *[None] * (SLOTS - len(there))]


def taken_slots(ratio: float) -> Sequence[int]:
    """The 8 slots that are used if the first and last ones are cut off, so that this share of them stays."""
    cut = (SLOTS - int(SLOTS * ratio)) // 2
    left = SLOTS - 2 * cut
    return [cut + int(place) for place in np.linspace(0, left - 1, FRAMES).astype(int)]


def _tables() -> np.ndarray[Any, np.dtype[np.float32]]:
    """What each byte becomes in each of the three colours, (3, 256), rounded where the released code rounds."""
    numbers = np.arange(256, dtype=np.float32)[:, None].repeat(3, axis=1)
    numbers /= 255
    numbers -= np.array(_MEAN)
    numbers /= np.array(_DEVIATION)
    return np.ascontiguousarray(numbers.T)


_TABLES = _tables()


def _normalised(frames: Array) -> Tensor:
    numbers = np.empty(frames.shape, np.float32)
    for colour, table in enumerate(_TABLES):
        numbers[..., colour] = table[frames[..., colour]]
    return torch.from_numpy(numbers)
