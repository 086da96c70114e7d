"""What a drawing looks like: the colours of the two themes, line styles, fonts and distances.

The first colours are of the palette of Okabe and Ito, and all can be told apart by colour-blind people, which a test
measures. No meaning hangs on a colour alone: lines also differ in weight and dash, labels carry a sign, and inputs say
what they read.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from bmnas.errors import BmnasError, did_you_mean
from bmnas.genotype.drawing.scene import Mark

ThemeName = Literal["light", "dark"]

FONT = "Helvetica,Arial,sans-serif"
WIDTH = 28  # characters of a line in a box
SMALL, NORMAL, LARGE = 9, 11, 12  # points

# How a mark is drawn besides its colour: the style of a line, and how much wider than a plain one it is.
DASH: dict[Mark, str] = {"unused": "dashed", "removed": "dashed"}
WEIGHT: dict[Mark, float] = {"added": 2.0, "changed": 2.0, "removed": 1.2}
SIGN: dict[Mark, str] = {"added": "+", "removed": "−"}


class Paint(NamedTuple):
    """The colours of one mark: of a line, of a node's ground (``None``: the one that its kind has), of its text."""

    line: str
    ground: str | None
    text: str
    small: str


class Theme(NamedTuple):
    """All colours of a drawing.

    Attributes:
        background: of the whole drawing.
        hues: of the modalities, in their order; with more of them they come again.
        columns: the grounds of the modalities, in that order.
        column: the ground of a modality in a comparison, where colours say what differs.
        grounds: of a node, by its kind.
        tints: of a step, by what its operation does.
        paints: by mark.
    """

    background: str
    hues: tuple[str, ...]
    columns: tuple[str, ...]
    column: str
    grounds: dict[str, str]
    tints: dict[str, str]
    paints: dict[Mark, Paint]

    def line(self, mark: Mark, hue: int | None) -> str:
        """The colour of a line."""
        return self.paints[mark].line if mark != "plain" or hue is None else self.hues[hue % len(self.hues)]

    def column_ground(self, hue: int | None) -> str:
        """The ground of a modality."""
        return self.column if hue is None else self.columns[hue % len(self.columns)]


THEMES: dict[str, Theme] = {
    "light": Theme(
        background="#FFFFFF",
        hues=("#0072B2", "#D55E00", "#009E73", "#C4609C", "#6B3F00", "#117733"),
        columns=("#E3EEF6", "#FAE9DF", "#E0F2ED", "#F8E9F2", "#EFE6DC", "#DDEBDF"),
        column="#EEEEEE",
        grounds={
            "feature": "#FFFFFF",
            "input": "#FFFFFF",
            "step": "#F2F2F2",
            "cell": "#E2E2E2",
            "name": "#FFFFFF",
            "output": "#E2E2E2",
        },
        tints={
            "attention": "#E4DFF7",
            "gate": "#FBE3C0",
            "linear": "#D3EDE4",
            "elementwise": "#FFFBE0",
            "zero": "#FFFFFF",
        },
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
        hues=("#56B4E9", "#E69F00", "#009E73", "#8C6BFF", "#FFFF99", "#B15928"),
        columns=("#1B2D3A", "#362A12", "#12312A", "#2A2545", "#33311B", "#35231A"),
        column="#2A2E33",
        grounds={
            "feature": "#14181D",
            "input": "#14181D",
            "step": "#2A2E33",
            "cell": "#3A4047",
            "name": "#14181D",
            "output": "#3A4047",
        },
        tints={
            "attention": "#37305C",
            "gate": "#573C12",
            "linear": "#1B463A",
            "elementwise": "#44401F",
            "zero": "#14181D",
        },
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
