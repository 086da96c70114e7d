"""Read a ``.skeleton`` file of NTU RGB+D: a stream of numbers, whatever blanks and line ends lie between them.

How many frames; for each frame, how many bodies; for each body its id and nine numbers of its state, how many joints,
and for each of these twelve numbers, of which the first three are its place in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmnas.errors import BmnasError, short
from bmnas.files import read_bytes

JOINTS = 25

_BODY = 10  # numbers before the number of joints
_JOINT = 12
_MOST_BODIES = 6  # that the sensor follows at a time
_LIMIT = 2**26


@dataclass(frozen=True, eq=False)
class Bodies:
    """The bodies of a file, in its order.

    Attributes:
        frames: how many the file has, with bodies or without.
        frame: (N,) in which frame each body is.
        order: (N,) its place among the bodies of that frame.
        ids: N ids of 64 bits or more; a body that is followed from frame to frame keeps its id.
        joints: (N, 25, 3) places of joints in metres, float64, as the file has them: also not-a-number.
    """

    frames: int
    frame: np.ndarray[Any, np.dtype[np.int64]]
    order: np.ndarray[Any, np.dtype[np.int64]]
    ids: tuple[int, ...]
    joints: np.ndarray[Any, np.dtype[np.float64]]


def read_bodies(path: Path) -> Bodies:
    """The bodies of a file.

    Raises:
        BmnasError: it cannot be read, ends too early or too late, or has something else than such numbers.
    """
    words = read_bytes(path, _LIMIT, f"{_LIMIT // 2**20} MiB, too large for a skeleton file").split()
    try:
        return _bodies(words)
    except BmnasError as error:
        raise BmnasError(f"{path}: {error}") from None


def _bodies(words: list[bytes]) -> Bodies:
    if not words:
        raise BmnasError("is empty; a skeleton file begins with its number of frames")
    frames = _count(words[0], "frames")
    if frames == 0:
        raise BmnasError("has no frames")
    starts: list[int] = []
    frame_of: list[int] = []
    order: list[int] = []
    at = 1
    for frame in range(frames):
        if at >= len(words):
            raise _half(frames, frame)
        bodies = _count(words[at], f"bodies of frame {frame}", _MOST_BODIES)
        at += 1
        for body in range(bodies):
            joints_at = at + _BODY
            if joints_at >= len(words):
                raise _half(frames, frame)
            joints = _count(words[joints_at], f"joints of a body in frame {frame}")
            if joints != JOINTS:
                raise BmnasError(f"has {joints} joints of a body in frame {frame}, not {JOINTS}")
            starts.append(at)
            frame_of.append(frame)
            order.append(body)
            at = joints_at + 1 + JOINTS * _JOINT
        if at > len(words):
            raise _half(frames, frame)
    if at < len(words):
        raise BmnasError(f"says that it has {frames:,} frames, but {len(words) - at:,} numbers come after these")
    ids = tuple(_whole(words[start], "the id of a body") for start in starts)
    return Bodies(frames, np.array(frame_of, np.int64), np.array(order, np.int64), ids, _joints(words, starts))


def _joints(words: list[bytes], starts: list[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The places (N, 25, 3) of the joints of bodies that start at these words."""
    first, stop = _BODY + 1, _BODY + 1 + JOINTS * _JOINT
    by_axis = [
        words[place]
        for start in starts
        for axis in range(3)
        for place in range(start + first + axis, start + stop, _JOINT)
    ]
    try:
        numbers = np.array([float(word) for word in by_axis])
    except ValueError:
        raise BmnasError(f"has {_first_that_is_none(by_axis)} where the place of a joint should be") from None
    return numbers.reshape(-1, 3, JOINTS).transpose(0, 2, 1)


def _first_that_is_none(words: list[bytes]) -> str:
    for word in words:
        try:
            float(word)
        except ValueError:
            return _shown(word)
    raise AssertionError("one is no number")


def _count(word: bytes, what: str, most: int | None = None) -> int:
    number = _whole(word, f"the number of {what}")
    if number < 0 or (most is not None and number > most):
        right = "0 or more" if most is None else f"0 to {most}"
        raise BmnasError(f"says that the number of {what} is {short(number)}; it should be {right}")
    return number


def _whole(word: bytes, what: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise BmnasError(f"has {_shown(word)} where {what} should be, so it is damaged or no skeleton file") from None


def _half(frames: int, frame: int) -> BmnasError:
    return BmnasError(f"is cut off: it says that it has {frames:,} frames, but ends in frame {frame:,}")


def _shown(word: bytes) -> str:
    return short(word.decode("utf-8", "backslashreplace"))
