"""Titles, notes and legends of drawings, and the signs that stand for a mark besides its colour."""

from __future__ import annotations

import math

from bmnas.genotype.drawing.labels import escaped, lines, sized
from bmnas.genotype.drawing.scene import Mark, Scene
from bmnas.genotype.drawing.style import DASH, LARGE, SIGN, SMALL, WEIGHT, WIDTH, Theme


def heading(scene: Scene, theme: Theme, width: int) -> str:
    """Title, notes and legend, the latter in a table, so that they need no place in the layout."""
    paint = theme.paints["plain"]
    title = sized(lines(scene.title, width), LARGE, paint.text)
    if scene.aside:
        # Side by side there is no room for more than the title in a line.
        before, space = ("<br/>", "") if width <= WIDTH else ("", "   ")
        title += before + sized(space + escaped(scene.aside), SMALL, paint.small)
    if not scene.legend:
        return title
    text = [title, *(sized(lines(note, width), SMALL, paint.small) for note in scene.notes)]
    rows = "".join(f'<tr><td align="left" colspan="{len(scene.legend)}">{line}</td></tr>' for line in text)
    rows += f"<tr>{''.join(_legend_cell(mark, meaning, theme) for mark, meaning in scene.legend)}</tr>"
    return f'<table border="0" cellborder="0" cellspacing="4" cellpadding="2">{rows}</table>'


def signed(mark: Mark) -> str:
    """The sign of a mark as markup, if it has one."""
    return f"<b>{SIGN[mark]}</b> " if mark in SIGN else ""


def outline(mark: Mark) -> str:
    """The style of the border of a box."""
    return f"rounded,{DASH[mark]}" if mark in DASH else "rounded"


def border(mark: Mark) -> int:
    """The width of a border in a table, which only whole points can have."""
    return math.floor(WEIGHT.get(mark, 1))


def _legend_cell(mark: Mark, meaning: str, theme: Theme) -> str:
    paint = theme.paints[mark]
    text = sized(signed(mark) + lines(meaning, WIDTH), SMALL, paint.text)
    return (
        f'<td border="{border(mark)}" cellpadding="4" style="{outline(mark)}" color="{paint.line}" '
        f'bgcolor="{paint.ground or theme.background}">{text}</td>'
    )
