"""One frame: a JPEG file as bytes of 112 x 112 pixels.

Not with Pillow's ``draft``, by which the decoder itself halves an image: it is faster, but gives other pixels.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from bmnas.errors import BmnasError
from bmnas.files import read_bytes
from bmnas.tasks.egogesture.frames import Cut

if TYPE_CHECKING:
    from PIL.Image import Image

Array = np.ndarray[Any, Any]

SIDE = 112
_LIMIT = 2**23
_LARGEST = 4096


def read_frame(path: str, *, grey: bool, cut: Cut | None = None) -> Array:
    """The pixels (112, 112, channels) of a frame, bytes: R, G, B, or one channel of grey.

    Args:
        path: of the JPEG file.
        grey: for depth.
        cut: what of the image is wanted; the middle square of it if left out.

    Raises:
        BmnasError: the file is missing, or no whole JPEG.
    """
    from PIL import Image  # slow to import, so only where frames are wanted

    content = read_bytes(path, _LIMIT, f"{_LIMIT // 2**20} MiB, too large for a frame")
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            if max(image.size) > _LARGEST:
                raise BmnasError(f"{path}: has {image.width} x {image.height} pixels, too many for a frame")
            mode = "L" if grey else "RGB"
            pixels = np.asarray(_squared(image if image.mode == mode else image.convert(mode), cut))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise BmnasError(f"{path}: is no whole JPEG image: {' '.join(str(error).split())[:120]}") from error
    return pixels.reshape(SIDE, SIDE, -1)


def _squared(image: Image, cut: Cut | None) -> Image:
    from PIL.Image import Resampling

    width, height = image.size
    if cut is not None:
        return image.crop(_rounded(cut.box(width, height))).resize((SIDE, SIDE), Resampling.BILINEAR)
    upright = width <= height
    size = (SIDE, int(SIDE * height / width)) if upright else (int(SIDE * width / height), SIDE)
    left, top = (round((side - SIDE) / 2) for side in size)
    return image.resize(size, Resampling.BILINEAR).crop((left, top, left + SIDE, top + SIDE))


def _rounded(box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    left, top, right, bottom = map(round, box)
    return left, top, right, bottom
