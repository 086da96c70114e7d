"""How much room a text needs. Graphviz measures with the fonts of a machine; a layout that is the same on all does not.

The widths are those of Helvetica, which Arial and Liberation Sans have too. What stands around texts has room for the
wider letters of other fonts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from bmnas.genotype.drawing.labels import wrapped
from bmnas.genotype.drawing.scene import Line
from bmnas.genotype.drawing.style import NORMAL, SMALL, WIDTH

# In thousandths of the size of the font, from the space on: Adobe's metrics of Helvetica.
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip
_BOLD = 1.07  # of bold letters, about
_LINE = 1.2  # the height of a line, in sizes of its font


def text_width(text: str, size: int, bold: bool = False) -> float:
    """The width of a line of text in points, for a font of that size in points."""
    return sum(map(_width, text)) * size / 1000 * (_BOLD if bold else 1.0)


def size_of(lines: Iterable[Line], width: int = WIDTH) -> tuple[float, float]:
    """Width and height of a label in points, whose lines are broken at that many characters."""
    wide = high = 0.0
    for line in lines:
        size = SMALL if line.small else NORMAL
        pieces = wrapped(line.text, width)
        sign = text_width("+ ", size) if line.mark in ("added", "removed") else 0.0
        wide = max(wide, *(text_width(piece, size, line.bold) + sign for piece in pieces))
        high += len(pieces) * size * _LINE
    return wide, high


def plain_size(pieces: Sequence[str], size: int) -> tuple[float, float]:
    """Width and height of lines of text in one font, in points."""
    return max((text_width(piece, size) for piece in pieces), default=0.0), len(pieces) * size * _LINE


def _width(character: str) -> int:
    number = ord(character) - 32
    if 0 <= number < len(_WIDTHS):
        return _WIDTHS[number]
    if unicodedata.combining(character):
        return 0
    return 1000 if unicodedata.east_asian_width(character) in "WF" else 667
