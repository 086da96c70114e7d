"""What the networks get of a movie.

The official file has posters as a Caffe network of its authors wanted them: channels B, G, R, less a mean. The released
code of BM-NAS gives them to torchvision's VGG-19 like that, though this one was trained on channels R, G, B from 0 to
1, normalised.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError

Preprocessing = Literal["corrected", "released"]
_Array = np.ndarray[Any, Any]

# Of the channels B, G, R, taken off when the file was made; and those of ImageNet for R, G, B, as torchvision has them.
_TAKEN_OFF = np.array([103.939, 116.779, 123.68])
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
# ((poster + taken off) / 255 - mean) / deviation, for channels that are in the order R, G, B.
_FACTOR = (1 / (255 * _DEVIATION)).astype(np.float32)[:, None, None]
_SHIFT = ((_TAKEN_OFF[::-1] / 255 - _MEAN) / _DEVIATION).astype(np.float32)[:, None, None]


def poster(stored: _Array, how: Preprocessing) -> Tensor:
    """A poster (3, H, W) as the image network gets it, 32-bit floats.

    Args:
        stored: as the file has it.
        how: ``released``: the same numbers; ``corrected``: as torchvision's networks were trained.

    Raises:
        BmnasError: a number is not finite.
    """
    found = np.empty(stored.shape, np.float32)
    if how == "released":
        found[...] = stored
    else:
        found[...] = stored[::-1]
        found *= _FACTOR
        found += _SHIFT
    return torch.from_numpy(_finite(found, "the poster") if stored.dtype.kind == "f" else found)


def vector(stored: _Array) -> Tensor:
    """A text's vector as the text network gets it, 32-bit floats.

    Raises:
        BmnasError: a number is not finite.
    """
    return torch.from_numpy(_finite(stored.astype(np.float32), "the text's vector"))


def _finite(array: _Array, what: str) -> _Array:
    finite = np.isfinite(array)
    if not finite.all():
        wrong = array[~finite]
        raise BmnasError(f"{what} has {'a NaN' if np.isnan(wrong).any() else 'an infinite number'}")
    return array
