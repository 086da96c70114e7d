"""Nodes that are tables: what has to keep its order is rows of one node, as Graphviz shuffles nodes.

Each row has a port that arrows lead to or from. Its id is its title too, for `render.py` to put words in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bmnas.genotype.drawing.heading import border, outline, signed
from bmnas.genotype.drawing.labels import lines, sized
from bmnas.genotype.drawing.scene import Box, Frame, Line
from bmnas.genotype.drawing.style import LARGE, NORMAL, SMALL, WIDTH, Paint, Theme

Rows = Sequence[tuple[str, Box]]
"""Boxes, each with the id of its port."""

_INPUT_SIZE = 20  # points, of an input that is one letter


def modality(title: str, rows: Rows, theme: Theme) -> str:
    """The features of a modality below its name."""
    text = ""
    for port, box in rows:
        color = theme.upper if box.mark == "plain" else theme.paints[box.mark].line
        text += "<tr>" + _outlined(port, box, theme, color, 'cellpadding="5"') + "</tr>"
    return (
        f'<table border="0" cellborder="1" cellspacing="6" cellpadding="1" style="rounded" bgcolor="{theme.column}">'
        f'<tr><td border="0">{sized(lines(title, WIDTH), LARGE, theme.paints["plain"].text)}</td></tr>{text}</table>'
    )


def inputs(rows: Rows, theme: Theme) -> str:
    """The inputs of a cell, from the first to the last."""
    size = f'cellpadding="3" width="{_INPUT_SIZE}" height="{_INPUT_SIZE}"'
    text = (f"<tr>{_outlined(port, box, theme, theme.paints[box.mark].line, size)}</tr>" for port, box in rows)
    return f'<table border="0" cellborder="1" cellspacing="6" cellpadding="0">{"".join(text)}</table>'


def whole_cell(frame: Frame, rows: Rows, theme: Theme) -> str:
    """A cell without its steps: its inputs beside its name."""
    paint = theme.paints[frame.mark]
    ports = [f"<td {_port(port)}>{markup(box.lines, theme.paints[box.mark])}</td>" for port, box in rows]
    title = markup((Line(frame.title, mark=frame.mark), Line(frame.note, small=True)), paint)
    middle = f'<td rowspan="{max(1, len(ports))}" cellpadding="6">{title}</td>'
    first, *others = ports or [""]
    text = f"<tr>{first}{middle}</tr>" + "".join(f"<tr>{each}</tr>" for each in others)
    return (
        f'<table border="1" cellborder="0" cellspacing="0" cellpadding="3" style="{outline(frame.mark)}" '
        f'color="{paint.line}" bgcolor="{paint.ground or theme.grounds["step"]}">{text}</table>'
    )


def markup(text: Iterable[Line], paint: Paint) -> str:
    """The lines of a label."""
    found = []
    for line in text:
        size, color = (SMALL, paint.small) if line.small else (NORMAL, paint.text)
        found.append(sized((signed(line.mark) if line.mark else "") + lines(line.text, WIDTH), size, color))
    return "<br/>".join(found)


def ground(box: Box, theme: Theme) -> str:
    """The colour behind a box."""
    return theme.paints[box.mark].ground or theme.grounds[box.kind]


def _outlined(port: str, box: Box, theme: Theme, color: str, size: str) -> str:
    return (
        f'<td {_port(port)} border="{border(box.mark)}" {size} bgcolor="{ground(box, theme)}" '
        f'style="{outline(box.mark)}" color="{color}">{markup(box.lines, theme.paints[box.mark])}</td>'
    )


def _port(port: str) -> str:
    return f'port="{port}" id="{port}" title="{port}"'
