"""What a drawing looks like: the colours of the two themes, line styles, fonts and distances.

The colours are of the palette of Okabe and Ito, which colour-blind people can tell apart, and no meaning hangs on a
colour alone: lines also differ in weight and dash, and labels carry a sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bmnas.errors import BmnasError, did_you_mean
from bmnas.genotype.drawing.scene import Mark

ThemeName = Literal["light", "dark"]

FONT = "Helvetica,Arial,sans-serif"
GRAPH = {"charset": "UTF-8", "rankdir": "LR", "nodesep": "0.2", "ranksep": "0.35", "labelloc": "t", "labeljust": "l"}
NODE = {"shape": "box", "fontsize": "11", "height": "0.3", "width": "0.3", "margin": "0.1,0.05"}
EDGE = {"arrowsize": "0.6"}
WIDTH = 28  # characters of a line in a box
SMALL, NORMAL, LARGE = 9, 11, 12  # points

# How a mark is drawn besides its colour: the style of a line, and how much wider than a plain one it is.
DASH: dict[Mark, str] = {"unused": "dashed", "removed": "dashed"}
WEIGHT: dict[Mark, float] = {"added": 2.0, "changed": 2.0, "removed": 1.2}
SIGN: dict[Mark, str] = {"added": "+", "removed": "−"}


@dataclass(frozen=True)
class Paint:
    """The colours of one mark: of a line, of a node's ground (``None``: the one that its kind has), of its text."""

    line: str
    ground: str | None
    text: str
    small: str


@dataclass(frozen=True)
class Theme:
    """All colours of a drawing.

    Attributes:
        background: of the whole drawing.
        upper: edges between features, cells and the output.
        column: the ground of a modality's column.
        grounds: of a node, by its kind.
        paints: by mark.
    """

    background: str
    upper: str
    column: str
    grounds: dict[str, str]
    paints: dict[Mark, Paint]


THEMES: dict[str, Theme] = {
    "light": Theme(
        background="#FFFFFF",
        upper="#0072B2",
        column="#E4EDF5",
        grounds={"feature": "#FFFFFF", "input": "#FFFFFF", "step": "#FDF0D5", "cell": "#E6E6E6", "output": "#E6E6E6"},
        paints={
            "plain": Paint("#404040", None, "#000000", "#505050"),
            "unused": Paint("#949494", "#FFFFFF", "#6B6B6B", "#6B6B6B"),
            "kept": Paint("#8C8C8C", "#FFFFFF", "#505050", "#505050"),
            "added": Paint("#0072B2", "#D3E8F5", "#000000", "#303030"),
            "removed": Paint("#D55E00", "#FBE5D6", "#000000", "#303030"),
            "changed": Paint("#404040", "#FFFFFF", "#000000", "#303030"),
        },
    ),
    "dark": Theme(
        background="#14181D",
        upper="#56B4E9",
        column="#26323D",
        grounds={"feature": "#14181D", "input": "#14181D", "step": "#4D3D1A", "cell": "#3A4047", "output": "#3A4047"},
        paints={
            "plain": Paint("#C8C8C8", None, "#FFFFFF", "#D0D4D9"),
            "unused": Paint("#767C83", "#14181D", "#A3A9B0", "#A3A9B0"),
            "kept": Paint("#8A9097", "#14181D", "#C0C5CB", "#C0C5CB"),
            "added": Paint("#56B4E9", "#123A55", "#FFFFFF", "#E0E4E8"),
            "removed": Paint("#D55E00", "#4A2A0A", "#FFFFFF", "#E0E4E8"),
            "changed": Paint("#C8C8C8", "#14181D", "#FFFFFF", "#E0E4E8"),
        },
    ),
}


def theme_named(name: str) -> Theme:
    """The theme of that name.

    Raises:
        BmnasError: there is none.
    """
    if name not in THEMES:
        raise BmnasError(f"{name!r} is not a theme of drawings{did_you_mean(name, THEMES)}")
    return THEMES[name]
