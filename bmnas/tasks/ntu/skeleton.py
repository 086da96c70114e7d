"""From the bodies of a file to the input of HCN, (3, 32, 25, 2): coordinates, frames, joints, bodies.

Two ways. ``released`` is what the released BM-NAS code computes, to the bit:

- The first two bodies of each frame fill the two slots in the file's order, so a body that leaves gives its slot away.
- In each frame the middle of the spine of slot 0 is subtracted from both slots, also from a body that is absent and
  from a joint that is not-a-number, which so become minus that place.

``corrected`` follows bodies by their ids, and what was not seen is zero:

- The bodies that are seen longest come first; each takes the first slot that is free in all of its frames, so one that
  comes back under a new id can have its slot again. Those that find none, as short-lived false ones, are left out.
- The origin is the middle of the spine of the body in slot 0; where that was not seen, it is interpolated over time.
- Joints that are not-a-number, and absent bodies, are zero after that.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from bmnas.tasks.ntu.skeleton_file import JOINTS, Bodies

Preprocessing = Literal["corrected", "released"]
Array = np.ndarray[Any, np.dtype[np.float32]]

FRAMES, SLOTS = 32, 2
_SPINE = 1  # its middle, the second joint of a Kinect
# Fewer frames are never cut off in training.
_SHORTEST = 64


def skeleton_input(bodies: Bodies, preprocessing: Preprocessing, cut: tuple[int, int] | None = None) -> Tensor:
    """The input (3, 32, 25, 2) of a sample, in metres from the middle of the spine of the first body.

    Args:
        bodies: of its file.
        preprocessing: see the file's text.
        cut: first frame, and number of frames, that are taken; all if left out.
    """
    joints = filled(bodies, preprocessing)
    joints = _released_centred(joints) if preprocessing == "released" else _centred(joints)
    if cut is not None:
        joints = joints[:, cut[0] : sum(cut)]
    return _resampled(torch.from_numpy(joints))


def drawn_cut(frames: int, keep: float) -> tuple[int, int]:
    """A random part of a sequence for training, of at least 64 frames: first frame, and how many.

    The start is drawn from NumPy's own generator.

    Args:
        frames: T.
        keep: how much of it is wanted, 0.5 to 1.
    """
    length = min(max(int(frames * keep), _SHORTEST), frames)
    return int(np.random.randint(0, frames - length + 1)), length


def filled(bodies: Bodies, preprocessing: Preprocessing) -> Array:
    """The places (3, T, 25, 2) of the joints of two bodies.

    ``released``: numbers, and zero where there is nothing; ``corrected``: not-a-number where there is nothing.
    """
    released = preprocessing == "released"
    joints = np.full((3, bodies.frames, JOINTS, SLOTS), 0 if released else np.nan, np.float32)
    slots = bodies.order if released else _slots(bodies)
    kept = slots < SLOTS
    # Numbers that a float32 cannot hold become infinite, as they do where numbers are stored one by one.
    with np.errstate(over="ignore"):
        joints[:, bodies.frame[kept], :, slots[kept]] = bodies.joints[kept].transpose(0, 2, 1).astype(np.float32)
    if released:
        return np.nan_to_num(joints, copy=False)
    joints[~np.isfinite(joints)] = np.nan
    return joints


def _slots(bodies: Bodies) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(N,) the slot of each body, see the file's text; `SLOTS` where it has none."""
    rows: dict[int, list[int]] = {}
    for row, identity in enumerate(bodies.ids):
        rows.setdefault(identity, []).append(row)
    slots = np.full(len(bodies.ids), SLOTS, np.int64)
    taken = np.zeros((SLOTS, bodies.frames), bool)
    for own in sorted(rows.values(), key=len, reverse=True):  # in the order of their first frames where equally long
        frames = bodies.frame[own]
        free = [slot for slot in range(SLOTS) if not taken[slot, frames].any()]
        if free:
            slots[own] = free[0]
            taken[free[0], frames] = True
    return slots


def _released_centred(joints: Array) -> Array:
    return joints - joints[:, :, _SPINE : _SPINE + 1, :1]


def _centred(joints: Array) -> Array:
    """The joints (3, T, 25, 2) from the middle of the spine of slot 0, zero where there are none."""
    origin = joints[:, :, _SPINE, 0]
    seen = np.asarray(~np.isnan(origin).any(axis=0))
    if not seen.any():
        return np.nan_to_num(joints, nan=0)
    if not seen.all():
        frames = np.arange(len(seen))
        origin = np.stack([np.interp(frames, frames[seen], own[seen]) for own in origin]).astype(np.float32)
    return np.nan_to_num(joints - origin[:, :, None, None], nan=0)


def _resampled(joints: Tensor) -> Tensor:
    """(3, T, 25, 2) at 32 frames, linear with half-pixel centres."""
    frames = joints.shape[1]
    # In this layout, the numbers of a frame beside each other, the last bits are those of the released code.
    rows = joints.transpose(0, 1).reshape(1, frames, 1, -1).movedim(3, 1)
    resampled = nn.functional.interpolate(rows, size=(FRAMES, 1), mode="bilinear", align_corners=False)
    return resampled[0, :, :, 0].unflatten(0, (3, JOINTS, SLOTS)).movedim(3, 1).contiguous()
