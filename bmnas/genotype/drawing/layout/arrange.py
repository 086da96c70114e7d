"""The best of many placements, and the ways of the wires in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from bmnas.genotype.drawing.layout.curves import Point
from bmnas.genotype.drawing.layout.layers import Item, Key, Layers, Net, Spacing, Wire
from bmnas.genotype.drawing.layout.placement import Lane, Placement, highest, placed

# How many placements are looked at, at most; and how many, times the work that each is.
_MOST = 400
_PATIENCE = 60_000

Orders = list[list[Item]]
Gaps = dict[Lane, int]
Late = frozenset[int]
Choices = tuple[Orders, Gaps, Late]
Change = Callable[[Orders, Gaps, Late], Choices | None]


class Arrangement(NamedTuple):
    """Where all is.

    Attributes:
        along: the extent along the flow.
        across: the extent across it.
        items: where each item begins, along and across.
        ways: the corners of each wire, from an edge of its source to one of its target.
    """

    along: float
    across: float
    items: dict[Key, Point]
    ways: dict[Wire, list[Point]]


class Arranger:
    """Looks for the best placement once, and stretches it as often as is asked for."""

    def __init__(
        self,
        layers: Sequence[Sequence[Item]],
        wires: Sequence[Wire],
        spacing: Spacing,
        *,
        free: bool = False,
        share: float = 1.0,
    ) -> None:
        """Find it.

        Args:
            layers: the items, in the order in which they stand unless it is free.
            wires: between them.
            spacing: the least distances.
            free: whether the items of a layer, but the first, may stand in any order.
            share: how much of the time that is worth spending on one picture.
        """
        self.layers = Layers(layers, wires)
        self.spacing = spacing
        (orders, gaps, late), best = _best(self.layers, spacing, free, share)
        self.placement = placed(self.layers, orders, gaps, late, spacing, highest(self.layers, best))
        self.lengths = self._lengths()

    def arrangement(self, along: float = 0.0, lengths: Sequence[float] = ()) -> Arrangement:
        """The picture, at least that long along the flow.

        Args:
            along: how long.
            lengths: of the first layer, the channel behind it, the next layer and so on; its own if left out.
        """
        return _Routing(self.layers, self.placement, self.spacing, along, lengths or self.lengths).result()

    def _lengths(self) -> list[float]:
        found: list[float] = []
        for layer, tracks in zip(self.layers.layers, self.placement.widths, strict=True):
            if found:
                found.append(self.spacing.near + max(0, tracks - 1) * self.spacing.track + self.spacing.far)
            found.append(max((item.along for item in layer), default=0.0))
        return found


def _best(layers: Layers, spacing: Spacing, free: bool, share: float) -> tuple[Choices, Placement]:
    """The best placement that small changes lead to: of the ways that lanes go, and of the order in layers if free."""
    orders = [list(layer) for layer in layers.layers]
    best = placed(layers, orders, {}, frozenset(), spacing)
    choices: Choices = (orders, best.gaps, frozenset())
    patience = share * min(_MOST, _PATIENCE // max(1, layers.work))
    improved = True
    while improved:
        improved = False
        for change in _changes(layers, free):
            if patience <= 0:
                return choices, best
            changed = change(*choices)
            if changed is None:
                continue
            patience -= 1
            found = placed(layers, *changed, spacing)
            if found.cost < best.cost - 1e-6:
                best, choices, improved = found, (changed[0], found.gaps, changed[2]), True
    return choices, best


def _changes(layers: Layers, free: bool) -> Iterator[Change]:
    for number, net in enumerate(layers.nets):
        for layer in net.lanes if not net.over else ():
            for gap in range(len(layers.layers[layer]) + 1):
                yield partial(_through, (number, layer), gap)
    for layer, items in enumerate(layers.layers):
        if len(items) > 1 or layers.passing[layer]:
            yield partial(_later, layer)
        for place in range(len(items) - 1 if free and layer else 0):
            yield partial(_swapped, layer, place)


def _through(lane: Lane, gap: int, orders: Orders, gaps: Gaps, late: Late) -> Choices | None:
    return None if gaps[lane] == gap else (orders, {**gaps, lane: gap}, late)


def _later(layer: int, orders: Orders, gaps: Gaps, late: Late) -> Choices:
    return orders, gaps, late ^ {layer}


def _swapped(layer: int, place: int, orders: Orders, gaps: Gaps, late: Late) -> Choices:
    order = orders[layer]
    swapped = [*order[:place], order[place + 1], order[place], *order[place + 2 :]]
    return [*orders[:layer], swapped, *orders[layer + 1 :]], gaps, late


class _Routing:
    def __init__(
        self, layers: Layers, placement: Placement, spacing: Spacing, along: float, lengths: Sequence[float]
    ) -> None:
        self.layers, self.placement, self.spacing = layers, placement, spacing
        self.lengths, channels = lengths[::2], [0.0, *lengths[1::2]]
        more = max(0.0, along - sum(lengths)) / max(1, len(channels) - 1)
        self.begins: list[float] = []  # of layers
        self.channels: list[float] = []  # where their first tracks are
        self.along = 0.0
        for number, (length, channel) in enumerate(zip(self.lengths, channels, strict=True)):
            room = channel + more if number else 0.0
            tracks = max(0, placement.widths[number] - 1) * spacing.track
            self.channels.append(self.along + spacing.near + (room - spacing.near - tracks - spacing.far) / 2)
            self.begins.append(self.along + room)
            self.along += room + length
        places = [*placement.items.values(), *placement.lanes.values()]
        self.top = min(places, default=0.0)
        ends = [placement.items[item.key] + item.across for item in layers.items.values()]
        self.across = max([*ends, *places], default=0.0) - self.top

    def result(self) -> Arrangement:
        items = {key: (self._begin(key), self.placement.items[key] - self.top) for key in self.layers.items}
        ways = {}
        for number, net in enumerate(self.layers.nets):
            for wire, target in net.wires:
                way = self._way_back(number, net, wire, target) if net.back else self._way(number, net, wire, target)
                ways[wire] = [(along, across - self.top) for along, across in way]
        return Arrangement(self.along, self.across, items, ways)

    def _begin(self, key: Key) -> float:
        item, layer = self.layers.items[key], self.layers.where[key]
        return self.begins[layer] + item.align * (self.lengths[layer] - item.along)

    def _start(self, net: Net) -> Point:
        item = self.layers.items[net.item]
        return self._begin(net.item) + item.along, self.placement.items[net.item] + net.offset

    def _way(self, number: int, net: Net, wire: Wire, target: int) -> list[Point]:
        way = [self._start(net)]
        for layer in range(net.layer + 1, target + 1):
            passes = layer < target or wire.over
            way += self._turn(
                number, layer, way[-1][1], self.placement.lanes[number, layer] if passes else self.placement.ports[wire]
            )
        begin, item = self._begin(wire.target), self.layers.items[wire.target]
        if wire.over:
            middle = begin + item.along / 2
            return [*way, (middle, way[-1][1]), (middle, self.placement.items[wire.target])]
        return [*way, (begin, way[-1][1])]

    def _way_back(self, number: int, net: Net, wire: Wire, target: int) -> list[Point]:
        way = [self._start(net)]
        for layer in range(net.layer, target - 1, -1):
            way += self._turn(number, layer + 1, way[-1][1], self.placement.lanes[number, layer])
        way += self._turn(number, target, way[-1][1], self.placement.ports[wire])
        return [*way, (self._begin(wire.target), way[-1][1])]

    def _turn(self, number: int, channel: int, before: float, after: float) -> list[Point]:
        track = self.placement.tracks[channel].get(number)
        if track is None:
            return [(self.channels[channel], after)]
        place = self.channels[channel] + track * self.spacing.track
        return [(place, before), (place, after)]
