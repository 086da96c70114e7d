"""A scene with everything in its place, in points from the top left: boxes, panels around them, ways of arrows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bmnas.genotype.drawing.axes import Axes, Rect
from bmnas.genotype.drawing.frames import FramePlanner, PanelPlan, column_plan
from bmnas.genotype.drawing.layout.arrange import Arranger
from bmnas.genotype.drawing.layout.curves import Point, simplified
from bmnas.genotype.drawing.layout.depth import depths
from bmnas.genotype.drawing.layout.layers import SIDE_BY_SIDE, Item, Spacing, Wire
from bmnas.genotype.drawing.ports import box_size, ports
from bmnas.genotype.drawing.scene import Arrow, Box, Column, Frame, Key, Scene

_SPACING = Spacing(items=18.0, lane=11.0, lanes=9.0, track=9.0, near=14.0, far=20.0)


class Panel(NamedTuple):
    """The ground of a modality, or the border of a cell, with what is in it.

    Attributes:
        rect: where it is.
        of: what it is of.
        title: where its name stands; ``None``: one of its boxes has the name.
        boxes: what is in it.
    """

    rect: Rect
    of: Column | Frame
    title: Rect | None
    boxes: tuple[tuple[Rect, Box], ...]


class Route(NamedTuple):
    """The way of an arrow, from corner to corner."""

    way: tuple[Point, ...]
    arrow: Arrow


class Plate(NamedTuple):
    """All of a scene but its heading, from (0, 0) to (width, height).

    Attributes:
        width: in points.
        height: in points.
        panels: modalities and cells.
        boxes: what is in none of them.
        routes: of all arrows, each as often as it is drawn.
    """

    width: float
    height: float
    panels: tuple[Panel, ...]
    boxes: tuple[tuple[Rect, Box], ...]
    routes: tuple[Route, ...]


def plate_of(scene: Scene, axes: Axes) -> Plate:
    """Lay out a scene.

    Args:
        scene: what to draw.
        axes: along which of the picture's sides data flow.
    """
    return _Plating(scene, axes).plate()


class _Plating:
    def __init__(self, scene: Scene, axes: Axes) -> None:
        self.scene, self.axes = scene, axes
        self.columns: dict[Key, Column] = {("column", column.title): column for column in scene.columns}
        self.frames = {frame.key: frame for frame in scene.frames}
        self.owner: dict[Key, Key] = {end.key: end.key for end in scene.ends}
        for key, column in self.columns.items():
            self.owner |= {row.key: key for row in column.rows}
        for frame in scene.frames:
            self.owner |= {box.key: frame.key for box in (*frame.inputs, *frame.boxes)}
            self.owner[frame.key] = frame.key
        self.outer = [arrow for arrow in scene.arrows if self.owner[arrow.source] != self.owner[arrow.target]]

    def plate(self) -> Plate:
        layers = self._layers()
        self.plans = self._modalities()
        for layer in layers:
            self.plans |= self._cells(layer)
        items = [[self._item(key) for key in layer] for layer in layers]
        wires = [(wire, arrow) for arrow in self.outer for wire in self._wires(arrow)]
        found = Arranger(items, [wire for wire, _ in wires], _SPACING).arrangement()
        corners = {key: self.axes.point(*place) for key, place in found.items.items()}
        routes = [Route(self._way(wire, found.ways[wire], corners), arrow) for wire, arrow in wires]
        panels = []
        for key, plan in self.plans.items():
            x, y = corners[key]
            boxes = tuple((rect.moved(x, y), box) for rect, box in plan.boxes)
            title = plan.title.moved(x, y) if plan.title else None
            of = self.columns.get(key) or self.frames[key]
            panels.append(Panel(Rect(x, y, plan.width, plan.height), of, title, boxes))
            routes += [Route(_moved(way, x, y), arrow) for way, arrow in plan.routes]
        ends = []
        for end in self.scene.ends:
            width, height = self._end_size(end)
            ends.append((Rect(*corners[end.key], width, height), end))
        width, height = self.axes.point(found.along, found.across)
        return Plate(width, height, tuple(panels), tuple(ends), tuple(routes))

    def _layers(self) -> list[list[Key]]:
        """Modalities, then cells by how many cells come before them, then the output, then the head."""
        depth = depths(self.frames, [(self.owner[arrow.source], self.owner[arrow.target]) for arrow in self.outer])
        layers: list[list[Key]] = [list(self.columns)]
        for key in self.frames:
            layers += [[] for _ in range(depth[key] + 2 - len(layers))]
            layers[depth[key] + 1].append(key)
        return [*layers, *([end.key] for end in self.scene.ends)]

    def _modalities(self) -> dict[Key, PanelPlan]:
        """The modalities, all as long as the longest."""
        lengths = [self.axes.along(*column_plan(column, self.axes).size) for column in self.columns.values()]
        return {key: column_plan(column, self.axes, max(lengths)) for key, column in self.columns.items()}

    def _cells(self, layer: Sequence[Key]) -> dict[Key, PanelPlan]:
        """The cells of a layer, all as long as the longest; where all have as many layers, these are in line too."""
        frames = [self.frames[key] for key in layer if key in self.frames]
        sizes = [box_size(box, 0, self.axes) for frame in frames for box in frame.inputs]
        inputs = max((size[0] for size in sizes), default=0.0), max((size[1] for size in sizes), default=0.0)
        planners = {frame.key: FramePlanner(frame, self.scene, self.axes, inputs) for frame in frames}
        lengths = [planner.lengths for planner in planners.values()]
        alike: list[float] = []
        if len({len(each) for each in lengths}) == 1:
            alike = [max(each) for each in zip(*lengths, strict=True)]
        longest = max((self.axes.along(*planner.plan(0.0, alike).size) for planner in planners.values()), default=0.0)
        return {key: planner.plan(longest, alike) for key, planner in planners.items()}

    def _item(self, key: Key) -> Item:
        if key in self.plans:
            plan = self.plans[key]
            inputs = tuple(plan.inputs[self._input(arrow)] + aside for arrow, aside in self._asides(key))
            return Item(key, self.axes.along(*plan.size), self.axes.across(*plan.size), inputs, plan.outputs)
        end = next(end for end in self.scene.ends if end.key == key)
        size = self._end_size(end)
        across = self.axes.across(*size)
        count = self._count(key)
        return Item(key, self.axes.along(*size), across, ports(count, across), ((key, across / 2),), free=True)

    def _end_size(self, end: Box) -> tuple[float, float]:
        return box_size(end, self._count(end.key), self.axes)

    def _count(self, key: Key) -> int:
        return sum(arrow.count for arrow in self.outer if arrow.target == key)

    def _wires(self, arrow: Arrow) -> Iterable[Wire]:
        target = self.owner[arrow.target]
        port = 0
        if target in self.frames:
            port = [other for other, _ in self._asides(target)].index(arrow)
        for number in range(arrow.count):
            yield Wire(arrow.source, target, arrow.mark, port, number=number)

    def _input(self, arrow: Arrow) -> int:
        return [box.key for box in self.frames[self.owner[arrow.target]].inputs].index(arrow.target)

    def _asides(self, frame: Key) -> list[tuple[Arrow, float]]:
        """What leads to a cell, and how far from the middle of its input it ends where others end there too."""
        place = {key: number for number, key in enumerate(self.owner)}
        arrows = sorted(
            (arrow for arrow in self.outer if self.owner[arrow.target] == frame), key=lambda arrow: place[arrow.source]
        )
        found = []
        for arrow in arrows:
            others = [other for other in arrows if other.target == arrow.target]
            found.append((arrow, SIDE_BY_SIDE * (others.index(arrow) - (len(others) - 1) / 2)))
        return found

    def _way(self, wire: Wire, way: list[Point], corners: Mapping[Key, Point]) -> tuple[Point, ...]:
        """The way between two boxes, of which the given one is the part between what they are in."""
        points = [self.axes.point(*point) for point in way]
        source, target = self.owner[wire.source], wire.target
        if source in self.plans:
            out = _moved(self.plans[source].ways_out[wire.source], *corners[source])
            aside = self.axes.across(*points[0]) - self.axes.across(*out[-1])
            points = [*_moved(out, *self.axes.point(0.0, aside)), *points]
        if target in self.plans:
            number = self._input(self._asides(target)[wire.port][0])
            into = _moved(self.plans[target].ways_in[number], *corners[target])
            aside = self.axes.across(*points[-1]) - self.axes.across(*into[0])
            points = [*points, *_moved(into, *self.axes.point(0.0, aside))]
        return tuple(simplified(points))


def _moved(way: Iterable[Point], x: float, y: float) -> tuple[Point, ...]:
    return tuple((point[0] + x, point[1] + y) for point in way)
