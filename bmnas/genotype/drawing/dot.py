"""Sheets as DOT text, the language of Graphviz, which is left to draw: every place in it is ours.

Nodes are called n0, n1, ...: no name from a genotype is ever part of an id, and all names are escaped in labels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from bmnas.genotype.drawing.axes import Rect
from bmnas.genotype.drawing.heading import Text, signed
from bmnas.genotype.drawing.labels import label, lines, sized
from bmnas.genotype.drawing.layout.curves import Point, rounded
from bmnas.genotype.drawing.plate import Panel, Route
from bmnas.genotype.drawing.scene import Box, Column, Key, Line, Mark
from bmnas.genotype.drawing.sheet import Part, Sheet
from bmnas.genotype.drawing.style import DASH, FONT, LARGE, NORMAL, SMALL, WEIGHT, WIDTH, Theme

_INCH = 72.0  # points
_HEAD = 10.0  # points; the length of an arrow's head of size 1
_LEAST = 1.44  # points; Graphviz has no smaller node


class Dot(NamedTuple):
    """DOT text, and for each id in it the words that tell a reader what it is."""

    text: str
    words: dict[str, str]


def dot_of(sheet: Sheet, theme: Theme, width: float | None = None) -> Dot:
    """A sheet as DOT text.

    Args:
        sheet: what is where.
        theme: the colours.
        width: of the whole drawing, in points; its own if left out.
    """
    return _Writer(sheet, theme, width).dot()


@dataclass
class _Writer:
    sheet: Sheet
    theme: Theme
    width: float | None
    words: dict[str, str] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)

    def dot(self) -> Dot:
        self.words["genotype"] = " and ".join(part.scene.title for part in self.sheet.parts)
        whole = {
            # Positions are given: what is left to do is to draw.
            "layout": "nop2",
            "bb": f"0,0,{_number(self.sheet.width)},{_number(self.sheet.height)}",
            "bgcolor": self.theme.background,
            "fontname": FONT,
            "outputorder": "edgesfirst",
            "charset": "UTF-8",
            "pad": "0",
            "margin": "0",
        }
        if self.width is not None:
            high = self.width * self.sheet.height / self.sheet.width
            whole["size"] = f"{_number(self.width / _INCH, 4)},{_number(high / _INCH, 4)}!"
        node = {"shape": "box", "fixedsize": "true", "fontname": FONT, "fontsize": str(NORMAL), "margin": "0"}
        self._say(f"digraph genotype {{\n\tgraph [{_list(whole)}]\n\tnode [{_list(node)}]\n\tedge [arrowsize=0.6]")
        self._corners()
        for part in self.sheet.parts:
            self._part(part)
        return Dot("\n".join([*self.text, "}", ""]), self.words)

    def _part(self, part: Part) -> None:
        for text in part.heading.texts:
            self._heading(text, part)
        ids: dict[Key, str] = {}
        for panel in part.plate.panels:
            self._panel(panel, part, ids)
        for rect, box in part.plate.boxes:
            self._box(rect.moved(part.x, part.plate_y), box, ids, "\t")
        for route in part.plate.routes:
            self._route(route, part, ids)

    def _corners(self) -> None:
        """Nothing, at two corners: Graphviz cuts off what is empty."""
        for x, y in ((0.0, 0.0), (self.sheet.width - _LEAST, self.sheet.height - _LEAST)):
            place = _list(self._place(Rect(x, y, _LEAST, _LEAST)))
            self._say(f'\t{self._new_id("")} [{place} style=invis label=""]')

    def _heading(self, text: Text, part: Part) -> None:
        node = self._new_id(part.scene.title)
        manner = {"shape": "plaintext"}
        if text.mark is not None:
            paint = self.theme.paints[text.mark]
            ground = paint.ground or self.theme.background
            manner = {**_outline(text.mark, 1.0), "color": paint.line, "fillcolor": ground}
        place = self._place(text.rect.moved(part.x, part.y))
        self._say(f"\t{node} [{_list({**place, **manner})} label={label(text.markup)}]")

    def _panel(self, panel: Panel, part: Part, ids: dict[Key, str]) -> None:
        name = f"cluster_{sum(word.startswith('cluster_') for word in self.words)}"
        self.words[name] = panel.of.title
        column = isinstance(panel.of, Column)
        mark: Mark = "plain" if isinstance(panel.of, Column) else panel.of.mark
        paint = self.theme.paints[mark]
        rect = panel.rect.moved(part.x, part.plate_y)
        if isinstance(panel.of, Column):
            ground = self.theme.column_ground(panel.of.hue)
            manner = {"style": "rounded,filled", "color": ground, "fillcolor": ground}
        else:
            manner = {**_outline(mark, 1.0), "color": paint.line, "fillcolor": paint.ground or self.theme.background}
        manner["class"] = "modality" if column else "cell"
        bottom, top = self._y(rect.y + rect.height), self._y(rect.y)
        manner["bb"] = ",".join(map(_number, (rect.x, bottom, rect.x + rect.width, top)))
        title = ""
        if panel.title is not None:
            manner["lp"] = self._point(panel.title.moved(part.x, part.plate_y).middle)
            title = sized(signed(mark) + lines(panel.of.title, WIDTH), LARGE, paint.text)
        named = label(title) if title else '""'
        self._say(f"\tsubgraph {name} {{\n\t\tgraph [{_list(manner)} label={named}]")
        for place, box in panel.boxes:
            self._box(place.moved(part.x, part.plate_y), box, ids, "\t\t")
        self._say("\t}")

    def _box(self, rect: Rect, box: Box, ids: dict[Key, str], indent: str) -> None:
        paint = self.theme.paints[box.mark]
        ids[box.key] = node = self._new_id(box.words())
        manner = {"shape": "plaintext"}
        if box.kind != "name":
            ground = self.theme.tints.get(box.tint, self.theme.grounds[box.kind])
            manner = {
                **_outline(box.mark, 1.4 if box.hue is not None and box.mark == "plain" else 1.0),
                "color": self.theme.line(box.mark, box.hue),
                "fillcolor": paint.ground or ground,
            }
        manner["class"] = box.kind
        place = self._place(rect)
        self._say(f"{indent}{node} [{_list({**place, **manner})} label={label(self._markup(box.lines, box.mark))}]")

    def _markup(self, text: Iterable[Line], mark: Mark) -> str:
        paint = self.theme.paints[mark]
        found = []
        for line in text:
            size, color = (SMALL, paint.small) if line.small else (NORMAL, paint.text)
            words = lines(line.text, WIDTH)
            sign = signed(line.mark) if line.mark else ""
            found.append(sized(sign + (f"<b>{words}</b>" if line.bold else words), size, color))
        return "<br/>".join(found)

    def _route(self, route: Route, part: Part, ids: dict[Key, str]) -> None:
        arrow = route.arrow
        name = f"e{len(self.words)}"
        self.words[name] = f"{_name(arrow.source)} → {_name(arrow.target)}"
        size = 0.45 if arrow.kind == "backbone" else 0.6
        points = [(x + part.x, y + part.plate_y) for x, y in route.way]
        curve = " ".join(map(self._point, rounded(points, shorter=_HEAD * size)))
        paint = self.theme.paints["unused" if arrow.kind == "backbone" else arrow.mark]
        manner = {
            "id": name,
            "class": arrow.kind,
            "color": paint.line if arrow.kind == "backbone" else self.theme.line(arrow.mark, arrow.hue),
            "penwidth": _number({"upper": 1.4, "backbone": 0.8}.get(arrow.kind, 1.1) * WEIGHT.get(arrow.mark, 1)),
            "style": DASH.get(arrow.mark, "solid"),
            "pos": f"e,{self._point(points[-1])} {curve}",
        }
        if arrow.kind == "backbone":
            manner["arrowsize"] = _number(size)
        self._say(f"\t{ids[arrow.source]} -> {ids[arrow.target]} [{_list(manner)}]")

    def _place(self, rect: Rect) -> dict[str, str]:
        return {
            "pos": self._point(rect.middle),
            "width": _number(rect.width / _INCH, 4),
            "height": _number(rect.height / _INCH, 4),
        }

    def _point(self, point: Point) -> str:
        return f"{_number(point[0])},{_number(self._y(point[1]))}"

    def _y(self, y: float) -> float:
        """As Graphviz counts it: from the bottom."""
        return self.sheet.height - y

    def _new_id(self, words: str) -> str:
        new = f"n{len(self.words)}"
        self.words[new] = words
        return new

    def _say(self, text: str) -> None:
        self.text.append(text)


def _outline(mark: Mark, plain: float) -> dict[str, str]:
    """The border of a box."""
    style = f"rounded,filled,{DASH[mark]}" if mark in DASH else "rounded,filled"
    return {"style": style, "penwidth": _number(plain * WEIGHT.get(mark, 1))}


def _list(attributes: dict[str, str]) -> str:
    """Attributes whose values are ours, without any character that would need an escape."""
    return " ".join(f'{name}="{value}"' for name, value in attributes.items())


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") or "0"


def _name(key: Key) -> str:
    """``Video_3``, ``x of Cell_1``, ``Cell_1``, ``output``."""
    last = key[-1]
    return f"{last} of {key[1]}" if len(key) > 2 else last
