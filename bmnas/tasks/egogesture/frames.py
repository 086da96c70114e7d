"""Which 32 frames of a sample are used, and where they are cut. Both modalities of a sample are cut alike.

Augmentation draws from Python's ``random``, in this order: first frame, scale, place across, place down.
"""

from __future__ import annotations

import random
from typing import NamedTuple

FRAMES = 32
# One, and 2 to the powers of -1/4, -1/2, -3/4 and -1, as the released code calculates them.
_SCALES = (1.0, 0.84089641525, 0.7071067811803005, 0.5946035574934808, 0.4999999999911653)


class Cut(NamedTuple):
    """A square cut out of an image.

    Attributes:
        scale: its side, as a share of the smaller side of the image.
        across: where it lies from left (0) to right (1).
        down: where it lies from top (0) to bottom (1).
    """

    scale: float
    across: float
    down: float

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels, not yet rounded."""
        side = int(min(width, height) * self.scale)
        left, top = self.across * (width - side), self.down * (height - side)
        return left, top, left + side, top + side


def middle_frames(count: int) -> list[int]:
    """The frames in the middle of a sample of ``count`` frames, counted from 0; shorter samples are repeated."""
    return _repeated(count, max(0, count // 2 - FRAMES // 2))


def drawn_frames(count: int, *, released: bool) -> list[int]:
    """32 neighbouring frames from a start at random; shorter samples are repeated.

    Args:
        count: frames of the sample.
        released: as in the released code, which never draws the last start that is possible.
    """
    return _repeated(count, random.randint(0, max(0, count - FRAMES - released)))


def drawn_cut() -> Cut:
    """One of five scales at a place at random."""
    return Cut(_SCALES[random.randint(0, len(_SCALES) - 1)], random.random(), random.random())


def _repeated(count: int, start: int) -> list[int]:
    taken = range(start, min(start + FRAMES, count))
    return [taken[place % len(taken)] for place in range(FRAMES)]
