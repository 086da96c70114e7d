"""Titles, notes and legends of drawings, and the signs that stand for a mark besides its colour."""

from __future__ import annotations

from typing import Literal, NamedTuple

from bmnas.genotype.drawing.axes import Rect
from bmnas.genotype.drawing.labels import escaped, lines, sized, wrapped
from bmnas.genotype.drawing.metrics import plain_size, text_width
from bmnas.genotype.drawing.scene import Mark, Scene
from bmnas.genotype.drawing.style import LARGE, SIGN, SMALL, WIDTH, Theme

Heading = Literal["full", "title", "none"]

_TITLE_WIDTH = 60  # characters
_GAP = 14.0  # points, between a heading and what is below it
_SPACE = "   "  # between title and sizes
_LEGEND_GAP = 10.0
_LEGEND_MARGIN = 5.0


class Text(NamedTuple):
    """Text at a place, in a box if it has a mark.

    Attributes:
        rect: where it stands.
        markup: the text.
        mark: how the box around it is drawn.
    """

    rect: Rect
    markup: str
    mark: Mark | None = None


class HeadingPlan(NamedTuple):
    """What stands above a picture, from (0, 0) on; its height is that to the beginning of the picture."""

    width: float
    height: float
    texts: tuple[Text, ...]


def heading_plan(scene: Scene, theme: Theme, how: Heading, width: float) -> HeadingPlan:
    """Title and sizes, notes and legend.

    Args:
        scene: of what.
        theme: the colours.
        how: ``"full"``: all of it; ``"title"``: without the sizes; ``"none"``: nothing.
        width: of the picture, which the heading should not be wider than.
    """
    if how == "none":
        return HeadingPlan(0.0, 0.0, ())
    paint = theme.paints["plain"]
    texts: list[Text] = []
    right, bottom = plain_size(wrapped(scene.title, _TITLE_WIDTH), LARGE)
    markup = sized(_left(scene.title), LARGE, paint.text)
    below: list[str] = []
    if scene.aside and how == "full":
        # Behind the title and in one text with it, so that they keep their distance in any font.
        wide = text_width(_SPACE + scene.aside, SMALL)
        if right + wide <= max(width, right) and bottom < 2 * LARGE:
            markup += sized(_SPACE + escaped(scene.aside), SMALL, paint.small)
            right += wide
        else:
            below.append(scene.aside)
    texts.append(Text(Rect(0, 0, right, bottom), markup))
    for note in (*below, *scene.notes):
        wide, high = plain_size(wrapped(note, _TITLE_WIDTH), SMALL)
        texts.append(Text(Rect(0, bottom + 2, wide, high), sized(_left(note), SMALL, paint.small)))
        right, bottom = max(right, wide), bottom + 2 + high
    legend = _legend(scene, theme, bottom + 8, max(width, right))
    texts += legend
    right = max([right, *(text.rect.x + text.rect.width for text in legend)])
    bottom = max([bottom, *(text.rect.y + text.rect.height for text in legend)])
    return HeadingPlan(right, bottom + _GAP, tuple(texts))


def signed(mark: Mark) -> str:
    """The sign of a mark as markup, if it has one."""
    return f"<b>{SIGN[mark]}</b> " if mark in SIGN else ""


def _left(text: str) -> str:
    """A text as markup whose lines begin below each other."""
    pieces = wrapped(text, _TITLE_WIDTH)
    return escaped(text) if len(pieces) == 1 else "".join(f'{escaped(piece)}<br align="left"/>' for piece in pieces)


def _legend(scene: Scene, theme: Theme, top: float, width: float) -> list[Text]:
    found: list[Text] = []
    x, y, row = 0.0, top, 0.0
    for mark, meaning in scene.legend:
        wide, high = plain_size(wrapped(meaning, WIDTH), SMALL)
        wide += 2 * _LEGEND_MARGIN + (text_width(f"{SIGN[mark]} ", SMALL, True) if mark in SIGN else 0.0) + 4
        high += 2 * _LEGEND_MARGIN
        if found and x + wide > width:
            x, y, row = 0.0, y + row + _LEGEND_GAP, 0.0
        text = sized(signed(mark) + lines(meaning, WIDTH), SMALL, theme.paints[mark].text)
        found.append(Text(Rect(x, y, wide, high), text, mark))
        x, row = x + wide + _LEGEND_GAP, max(row, high)
    return found
