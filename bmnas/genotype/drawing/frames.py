"""The inside of a modality and of a cell: where its boxes are, and how wires get into it and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bmnas.genotype.drawing.axes import Axes, Rect
from bmnas.genotype.drawing.labels import wrapped
from bmnas.genotype.drawing.layout.arrange import Arranger
from bmnas.genotype.drawing.layout.curves import Point, simplified
from bmnas.genotype.drawing.layout.depth import depths
from bmnas.genotype.drawing.layout.layers import Item, Spacing, Wire
from bmnas.genotype.drawing.metrics import plain_size
from bmnas.genotype.drawing.ports import box_size, ports
from bmnas.genotype.drawing.scene import Arrow, Box, Column, Frame, Key, Line, Scene
from bmnas.genotype.drawing.style import LARGE, SIGN, WIDTH

_SPACING = Spacing(items=12.0)
_NARROW = Spacing(items=8.0, near=4.0, far=6.0)  # where there is only a name behind the inputs
_FEW = 4  # cells, that can be laid out with all care without anyone waiting
_EDGE = 10.0  # points between the border of a panel and what is in it
_BETWEEN = 13.0  # points between the features of a modality, for the arrow from one to the next
_TITLE = 5.0  # points below or beside a title

Way = tuple[Point, ...]


class PanelPlan(NamedTuple):
    """A panel whose top left corner is at (0, 0).

    Attributes:
        width: in points.
        height: in points.
        title: where its name stands; ``None``: one of its boxes has the name.
        boxes: what is in it.
        outputs: what wires begin at in it, and how far from its beginning they leave it, across the flow.
        ways_out: for what wires begin at, the way from the box to the border.
        inputs: how far from its beginning each of its inputs is, across the flow.
        ways_in: for each input the way from the border to the box.
        routes: the arrows inside.
    """

    width: float
    height: float
    title: Rect | None
    boxes: tuple[tuple[Rect, Box], ...]
    outputs: tuple[tuple[Key, float], ...]
    ways_out: dict[Key, Way]
    inputs: tuple[float, ...] = ()
    ways_in: tuple[Way, ...] = ()
    routes: tuple[tuple[Way, Arrow], ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return self.width, self.height


def column_plan(column: Column, axes: Axes, least: float = 0.0) -> PanelPlan:
    """A modality: its features one after the other below its name, joined as they follow each other in the backbone.

    Args:
        column: the modality.
        axes: of the picture.
        least: how long it is at least, along the flow.
    """
    wide, high = plain_size(wrapped(column.title, WIDTH), LARGE)
    inner, places = _in_a_row(
        [box_size(row, 0, axes) for row in column.rows], 0.0 if axes.portrait else max(wide, least - 2 * _EDGE), axes
    )
    width = max(inner[0], wide) + 2 * _EDGE
    height = inner[1] + high + 2 * _EDGE + _TITLE
    left, top = (width - inner[0]) / 2, _EDGE + high + _TITLE
    boxes = [(place.moved(left, top), row) for place, row in zip(places, column.rows, strict=True)]
    routes = []
    for (before, one), (after, other) in pairwise(boxes):
        if column.joined and other.key[0] == "feature":
            way = (_far(before, axes.turned), _near(after, axes.turned))
            routes.append((way, Arrow(one.key, other.key, "backbone")))
    ways = {row.key: _to_border(_far(rect, axes), (width, height), axes) for rect, row in boxes}
    return PanelPlan(
        width,
        height,
        Rect((width - wide) / 2, _EDGE - 2, wide, high),
        tuple(boxes),
        tuple((key, axes.across(*way[0])) for key, way in ways.items()),
        ways,
        routes=tuple(routes),
    )


def _in_a_row(sizes: Sequence[tuple[float, float]], wide: float, axes: Axes) -> tuple[tuple[float, float], list[Rect]]:
    """Boxes of one extent along the flow, one behind the other across it: the size of all, and where each is."""
    width, height = (max(size[side] for size in sizes) for side in (0, 1))
    found: list[Rect] = []
    end = 0.0
    for size in sizes:
        begin = end + _BETWEEN if found else 0.0
        found.append(Rect(begin, 0, size[0], height) if axes.portrait else Rect(0, begin, max(width, wide), size[1]))
        end = begin + axes.across(*size)
    return ((end, height) if axes.portrait else (max(width, wide), end)), found


class FramePlanner:
    """A cell: its inputs, its steps in layers, and what becomes of them.

    Args:
        frame: the cell.
        scene: what it is in.
        axes: of the picture.
        inputs: width and height of its inputs, at least.
    """

    def __init__(self, frame: Frame, scene: Scene, axes: Axes, inputs: tuple[float, float]) -> None:
        self.frame, self.axes = frame, axes
        contents = _name(frame) if scene.collapsed else frame.boxes
        self.boxes = {box.key: box for box in (*frame.inputs, *contents)}
        self.arrows = [a for a in scene.arrows if a.source in self.boxes and a.target in self.boxes]
        outside = [a for a in scene.arrows if a.source in self.boxes and a.target not in self.boxes]
        # What is read from outside and does not stand at the end has a way to the border among the steps.
        self.exits = {a.source: a for a in outside if self.boxes[a.source].kind not in ("cell", "name")}
        self.sizes = self._sizes(inputs)
        layers = self._layers()
        self.wires = [(wire, arrow) for arrow in self.arrows for wire in _wires(arrow)]
        leaving = [Wire(key, ("exit", *key), arrow.mark) for key, arrow in self.exits.items()]
        self.leaving = {wire.source: wire for wire in leaving}
        items = [[self._item(key) for key in layer] for layer in layers]
        if leaving:
            items.append([Item(wire.target, 0.0, 0.0, (0.0,)) for wire in leaving])
        spacing = _NARROW if scene.collapsed else _SPACING
        self.arranger = Arranger(
            items,
            [*(wire for wire, _ in self.wires), *leaving],
            spacing,
            free=True,
            share=_FEW / max(_FEW, len(scene.frames)),
        )

    @property
    def lengths(self) -> list[float]:
        """How long its layers are along the flow, and the channels between them."""
        return self.arranger.lengths

    def plan(self, least: float = 0.0, lengths: Sequence[float] = ()) -> PanelPlan:
        """The cell with everything in its place.

        Args:
            least: how long it is at least, along the flow.
            lengths: those that it should have in place of its own.
        """
        sign = f"{SIGN[self.frame.mark]} " if self.frame.mark in SIGN else ""
        wide, high = plain_size(wrapped(sign + self.frame.title, WIDTH), LARGE)
        named = any(box.kind == "name" for box in self.boxes.values())
        ends = 0.0 if named else _EDGE
        if not self.axes.portrait and not named:
            least = max(least, wide + 2 * _EDGE)
        found = self.arranger.arrangement(least - _EDGE - ends, lengths)
        first = min((place[1] for key, place in found.items.items() if key[0] == "input"), default=0.0)
        band = 0.0 if named else max(0.0, wide + 2 * _TITLE - first) if self.axes.portrait else high + _TITLE

        def moved(way: Sequence[Point]) -> Way:
            return tuple(simplified([self.axes.point(u + _EDGE, v + _EDGE + band) for u, v in way]))

        size = self.axes.point(found.along + _EDGE + ends, found.across + 2 * _EDGE + band)
        rects = {
            key: Rect(*moved([place])[0], *self.sizes[key]) for key, place in found.items.items() if key in self.sizes
        }
        ways_out = {}
        for key, box in self.boxes.items():
            if key in self.leaving:
                ways_out[key] = self._out(moved(found.ways[self.leaving[key]]), size)
            elif box.kind in ("cell", "name"):
                ways_out[key] = self._out([_far(rects[key], self.axes)], size)
        starts = [_near(rects[box.key], self.axes) for box in self.frame.inputs]
        title = Rect(_EDGE if self.axes.portrait else (size[0] - wide) / 2, _EDGE - 2, wide, high)
        return PanelPlan(
            *size,
            None if named else title,
            tuple((rects[key], box) for key, box in self.boxes.items()),
            tuple((key, self.axes.across(*way[-1])) for key, way in ways_out.items()),
            ways_out,
            tuple(self.axes.across(*start) for start in starts),
            tuple((self.axes.point(0.0, self.axes.across(*start)), start) for start in starts),
            tuple((moved(found.ways[wire]), arrow) for wire, arrow in self.wires),
        )

    def _out(self, way: Sequence[Point], size: tuple[float, float]) -> Way:
        return (*way[:-1], *_to_border(way[-1], size, self.axes))

    def _layers(self) -> list[list[Key]]:
        steps = [key for key, box in self.boxes.items() if box.kind == "step"]
        depth = depths(steps, [(arrow.source, arrow.target) for arrow in self.arrows])
        layers: list[list[Key]] = [[box.key for box in self.frame.inputs]]
        for key in steps:
            layers += [[] for _ in range(depth[key] + 2 - len(layers))]
            layers[depth[key] + 1].append(key)
        last = [key for key, box in self.boxes.items() if box.kind in ("cell", "name")]
        return [*layers, last] if last else layers

    def _sizes(self, inputs: tuple[float, float]) -> dict[Key, tuple[float, float]]:
        sizes = {key: box_size(box, self._count(key), self.axes) for key, box in self.boxes.items()}
        return {**sizes, **dict.fromkeys((box.key for box in self.frame.inputs), inputs)}

    def _item(self, key: Key) -> Item:
        box, size = self.boxes[key], self.sizes[key]
        along, across = self.axes.along(*size), self.axes.across(*size)
        align = {"input": 0.0, "step": 0.5}.get(box.kind, 1.0)
        return Item(key, along, across, ports(self._count(key), across), ((key, across / 2),), align, free=True)

    def _count(self, key: Key) -> int:
        return sum(arrow.count for arrow in self.arrows if arrow.target == key and arrow.kind != "residual")


def _name(frame: Frame) -> Sequence[Box]:
    """What a cell says where only the upper level is drawn."""
    lines = (Line(frame.title, mark=frame.mark, bold=True), Line(frame.note, small=True))
    return (Box(frame.key, "name", lines, frame.mark, frame.title),)


def _wires(arrow: Arrow) -> list[Wire]:
    over = arrow.kind == "residual"
    return [Wire(arrow.source, arrow.target, arrow.mark, over=over, number=number) for number in range(arrow.count)]


def _to_border(start: Point, size: tuple[float, float], axes: Axes) -> Way:
    """Straight on, to the far side of the panel."""
    return start, axes.point(axes.along(*size), axes.across(*start))


def _near(rect: Rect, axes: Axes) -> Point:
    """The middle of the side where data come in."""
    return axes.point(axes.along(rect.x, rect.y), axes.across(*rect.middle))


def _far(rect: Rect, axes: Axes) -> Point:
    """The middle of the side where data go out."""
    return axes.point(axes.along(rect.x + rect.width, rect.y + rect.height), axes.across(*rect.middle))
