"""Depth clips of UTD-MHAD for the depth CNN: cut around the person, as distance from the person's own depth."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from bmnas.tasks.utd_mhad.layout import Array
from bmnas.tasks.utd_mhad.reduced_depth import FRAMES, HEIGHT, WIDTH
from bmnas.tasks.utd_mhad.timing import warped

# Columns that are kept: the arms, stretched to both sides, fit in.
_COLUMNS = 48
# In steps of 16 mm: what is 192 mm nearer than the person's trunk differs by 1 from it, before halving.
_STEP = 12.0


def prepared_depth(depth: Array) -> Tensor:
    """One clip (16, 60, 80) of bytes as (1, 16, 60, 48): 0 where nobody is, about 1 on the person, more if nearer."""
    person = depth > 0
    if not person.any():  # of what is recorded, a person may be too near or far for the bytes
        return torch.zeros(1, FRAMES, HEIGHT, _COLUMNS)
    middle = round(float(np.average(np.arange(WIDTH), weights=person.sum(axis=(0, 1)))))
    left = min(max(middle - _COLUMNS // 2, 0), WIDTH - _COLUMNS)
    trunk = float(np.median(depth[person]))
    nearer = ((trunk - depth.astype(np.float32)) / _STEP).clip(-1.5, 2.5)
    relative = np.where(person, 1 + nearer / 2, np.float32(0))[:, :, left : left + _COLUMNS]
    return torch.from_numpy(np.ascontiguousarray(relative, dtype=np.float32))[None]


def augmented_depth(clips: Tensor) -> Tensor:
    """The same clips (B, 1, T, H, W) of other people: moved, of another size, leaning, at another speed."""
    batch, device = len(clips), clips.device
    clips = warped(clips, crop=0.1, bend=0.2)
    sizes, moves = (torch.rand(2, batch, 2, device=device) * 2 - 1) * 0.1
    lean = (torch.rand(batch, device=device) * 2 - 1) * 0.1
    maps = torch.zeros(batch, 2, 3, device=device)
    maps[:, 0, 0], maps[:, 1, 1] = (1 + sizes).unbind(1)
    maps[:, 0, 1] = lean
    maps[:, :, 2] = moves
    grid = nn.functional.affine_grid(maps, [batch, 1, *clips.shape[3:]], align_corners=False)
    # The frames of a clip are the channels of one image, so that all of them move alike.
    return nn.functional.grid_sample(clips.flatten(1, 2), grid, align_corners=False).reshape(clips.shape)
