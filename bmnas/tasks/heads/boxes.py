"""Boxes in pixels, x1, y1, x2, y2: overlap, the change that leads from one to another, and back.

A box is as wide as x2 - x1 + 1, because corners count as pixels of it; the formulas are those of Faster R-CNN (Ren et
al., 2015) as MMnas (Yu et al., ACM MM 2020) uses them. Axes: ... any, the last one has the 4 numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Changes are divided by these, so that they are about as large as scores.
_SCALE = (0.1, 0.1, 0.2, 0.2)
# exp of more is no size of a box.
_LARGEST = 20.0


def overlap(boxes: Tensor, truth: Tensor) -> Tensor:
    """Intersection over union of boxes (..., 4) and others (..., 4), 0 to 1, shape (...)."""
    corner = torch.maximum(boxes[..., :2], truth[..., :2])
    opposite = torch.minimum(boxes[..., 2:], truth[..., 2:])
    shared = (opposite - corner + 1).clamp(min=0).prod(dim=-1)
    return shared / (_size(boxes).prod(dim=-1) + _size(truth).prod(dim=-1) - shared)


def changes(boxes: Tensor, truth: Tensor) -> Tensor:
    """What leads from boxes (..., 4) to true ones (..., 4), as a network is to give it:

        (cx' - cx) / w / 0.1,  (cy' - cy) / h / 0.1,  ln(w' / w) / 0.2,  ln(h' / h) / 0.2

    with centre c, width w and height h of the box, and those with ' of the true one.
    """
    size, own = _size(boxes), _size(truth)
    offset = (truth[..., :2] + own / 2 - boxes[..., :2] - size / 2) / size
    return torch.cat([offset, (own / size).log()], dim=-1) / boxes.new_tensor(_SCALE)


def changed(boxes: Tensor, change: Tensor) -> Tensor:
    """Boxes (..., 4) after a change as `changes` gives it (..., 4)."""
    change = change * boxes.new_tensor(_SCALE)
    size = _size(boxes)
    centre = boxes[..., :2] + size / 2 + change[..., :2] * size
    half = size * change[..., 2:].clamp(max=_LARGEST).exp() / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def clipped(boxes: Tensor, sizes: Tensor) -> Tensor:
    """Boxes (..., 4), cut at the borders of their images (..., 2: width, height)."""
    last = torch.cat([sizes, sizes], dim=-1) - 1
    return torch.minimum(boxes, last).clamp(min=0)


def _size(boxes: Tensor) -> Tensor:
    """Width and height (..., 2)."""
    return boxes[..., 2:] - boxes[..., :2] + 1
