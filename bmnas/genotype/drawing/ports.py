"""Where arrows meet boxes, and how large boxes are so that all of them find a place at a side and none at a corner."""

from __future__ import annotations

from bmnas.genotype.drawing.axes import Axes
from bmnas.genotype.drawing.metrics import size_of
from bmnas.genotype.drawing.scene import Box, Kind

_APART = 8.0  # points between two arrows
_CORNER = 12.0  # points that the corner of a large box is round
# Points between a label and the border, to both sides and above and below.
_MARGIN: dict[Kind, tuple[float, float]] = {"input": (7.0, 5.0), "feature": (9.0, 5.0)}
_LEAST = 22.0


def box_size(box: Box, inputs: int, axes: Axes) -> tuple[float, float]:
    """Width and height of a box, in points, at one side of which that many arrows end."""
    wide, high = size_of(box.lines)
    beside, above = _MARGIN.get(box.kind, (10.0, 6.0))
    width, height = max(_LEAST, wide + 2 * beside), max(_LEAST, high + 2 * above)
    least = _APART * (inputs - 1) + 2 * _CORNER if inputs > 1 else 0.0
    return axes.point(axes.along(width, height), max(least, axes.across(width, height)))


def ports(count: int, extent: float) -> tuple[float, ...]:
    """Where that many arrows meet a side of that length: evenly between its round corners."""
    if count < 2:
        return (extent / 2,) * count
    corner = min(_CORNER, extent / 3)
    return tuple(corner + (extent - 2 * corner) * number / (count - 1) for number in range(count))
