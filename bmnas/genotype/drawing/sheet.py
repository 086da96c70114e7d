"""Several pictures on one sheet, each laid out as it is alone, in rows that begin at one height."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from bmnas.genotype.drawing.axes import Axes
from bmnas.genotype.drawing.heading import Heading, HeadingPlan, heading_plan
from bmnas.genotype.drawing.plate import Plate, plate_of
from bmnas.genotype.drawing.scene import Scene
from bmnas.genotype.drawing.style import Theme

_MARGIN = 6.0  # points around all
_BESIDE = 36.0  # points between pictures


class Part(NamedTuple):
    """One picture of a sheet: where its heading begins, and where its plate does."""

    scene: Scene
    heading: HeadingPlan
    plate: Plate
    x: float
    y: float
    plate_y: float


class Sheet(NamedTuple):
    """All pictures, and the extent of all of them in points."""

    width: float
    height: float
    parts: tuple[Part, ...]


def sheet_of(scenes: Sequence[Scene], theme: Theme, heading: Heading, axes: Axes) -> Sheet:
    """Lay out scenes side by side: up to three in a row, or in rows of about equal length."""
    plates = [plate_of(scene, axes) for scene in scenes]
    headings = [heading_plan(scene, theme, heading, plate.width) for scene, plate in zip(scenes, plates, strict=True)]
    columns = len(scenes) if len(scenes) <= 3 else math.ceil(math.sqrt(len(scenes)))
    widths = [
        max(max(plate.width, above.width) for plate, above in list(zip(plates, headings, strict=True))[column::columns])
        for column in range(columns)
    ]
    parts: list[Part] = []
    y = _MARGIN
    for start in range(0, len(scenes), columns):
        row = range(start, min(start + columns, len(scenes)))
        x = _MARGIN
        high = max(headings[number].height for number in row)
        for number in row:
            parts.append(Part(scenes[number], headings[number], plates[number], x, y, y + high))
            x += widths[number - start] + _BESIDE
        y += high + max(plates[number].height for number in row) + _BESIDE
    width = _MARGIN * 2 + sum(widths) + _BESIDE * (columns - 1)
    return Sheet(width, y - _BESIDE + _MARGIN, tuple(parts))
