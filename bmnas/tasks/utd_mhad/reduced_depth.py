"""Depth clips, smaller: 16 frames of 60 x 80 bytes, from the official files or from one file that holds them all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.tasks.utd_mhad.layout import Array, Clip, checked, how_to_get

REDUCED_DEPTH = "depth_16x60x80_u8.npz"
FRAMES, HEIGHT, WIDTH = 16, 60, 80
# Every fourth pixel of a frame of 240 x 320, and 16 mm a step, so that 4 m fit in a byte.
_PIXELS = 4
_MILLIMETRES = 16


def reduce_depth(depth: Array) -> Array:
    """A depth clip (240, 320, T) in millimetres as bytes (16, 60, 80): fewer frames, fewer pixels, coarser steps."""
    frames = np.linspace(0, depth.shape[2] - 1, FRAMES).round().astype(int)
    small = depth[::_PIXELS, ::_PIXELS, frames].astype(np.float32)
    return (small / _MILLIMETRES).clip(0, 255).astype(np.uint8).transpose(2, 0, 1)


def reduced_depth(folder: Path) -> Mapping[Clip, Array] | None:
    """The clips (16, 60, 80) of ``depth_16x60x80_u8.npz``, or ``None`` where the folder has no such file.

    It holds ``key`` (N, 3), which are action, subject and trial, and ``depth`` (N, 16, 60, 80), bytes.

    Raises:
        BmnasError: the file does not hold this.
    """
    path = folder / REDUCED_DEPTH
    if not path.exists():
        return None
    status = path.stat()
    return _reduced_depth(path, (status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=1)
def _reduced_depth(path: Path, _stamp: Hashable) -> Mapping[Clip, Array]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("key", "depth") if name in file.files}
    except OSError as error:
        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
    except Exception as error:  # zip, zlib, header and shape errors: many types, one meaning
        raise BmnasError(f"{path}: is damaged, or no .npz file of plain arrays; {how_to_get()}") from error
    return _clips_of_arrays(path, arrays)


def _clips_of_arrays(path: Path, arrays: Mapping[str, Array]) -> dict[Clip, Array]:
    for name, shape, kind, numbers in (
        ("key", (3,), np.integer, "integers"),
        ("depth", (FRAMES, HEIGHT, WIDTH), np.uint8, "bytes (uint8)"),
    ):
        wanted = f"{numbers} of shape ({', '.join(['N', *map(str, shape)])})"
        if name not in arrays:
            raise BmnasError(f"{path}: has no array {name!r}, which should be {wanted}")
        array = arrays[name]
        if array.shape[1:] != shape or not np.issubdtype(array.dtype, kind):
            raise BmnasError(f"{path}: {name} is {array.dtype} of shape {array.shape}, not {wanted}")
    key, depth = arrays["key"], arrays["depth"]
    if len(key) != len(depth):
        raise BmnasError(f"{path}: key names {len(key)} clips, but depth has {len(depth)}")
    clips = {checked(path, Clip(*map(int, row))): clip for row, clip in zip(key, depth, strict=True)}
    if len(clips) != len(key):
        raise BmnasError(f"{path}: key names a clip twice")
    return clips
