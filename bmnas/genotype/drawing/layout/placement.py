"""Across the flow: where the items of all layers stand, and the lanes on which wires pass them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bmnas.genotype.drawing.layout.channel import UPON, Crossing, tracks
from bmnas.genotype.drawing.layout.layers import Item, Key, Layers, Net, Spacing, Wire
from bmnas.genotype.drawing.layout.stack import Placed, Wishes, stacked

# What is avoided, and how much: in points of length that would be as bad.
_CROSSING = 120.0
_TURN = 20.0
_HEIGHT = 1.0
_LANE = 5.0  # how much more than for an input it counts that a lane is straight
_SNAP = 9.0  # points; a turn that is shorter is one too many, if there is room to do without it
_ASIDE = 3.0  # points by which a wire may miss the middle of an input that has a place of its own
_PORTS = 7.0  # points between inputs
_CORNER = 10.0  # points at which an input may be moved to a corner
_SLACK = 4.0  # points by which a distance may be too small, for the sake of a straight wire
_SHIFTS = (0.0, 6.0, -6.0, 12.0, -12.0)  # points; tried where wires would lie upon each other

Lane = tuple[int, int]  # a net and a layer


@dataclass
class Placement:
    """A way to place everything across the flow.

    Attributes:
        items: where each begins.
        lanes: where each net passes a layer.
        ports: where each wire ends.
        tracks: by channel, the track of each net that turns there; the channel before a layer has the layer's number.
        widths: by channel, how many tracks there are.
        gaps: in front of which item of its layer each lane is.
        cost: the less the better.
    """

    items: dict[Key, float] = field(default_factory=dict)
    lanes: dict[Lane, float] = field(default_factory=dict)
    ports: dict[Wire, float] = field(default_factory=dict)
    tracks: list[dict[int, int]] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    gaps: dict[Lane, int] = field(default_factory=dict)
    cost: float = 0.0


def placed(
    layers: Layers,
    orders: Sequence[Sequence[Item]],
    gaps: Mapping[Lane, int],
    late: frozenset[int],
    spacing: Spacing,
    above: Mapping[int, float] | None = None,
) -> Placement:
    """Everything in its place, for an order of the items of each layer.

    Args:
        layers: what there is.
        orders: the items of each layer from the first to the last.
        gaps: in front of which item of its layer a lane is; those that are left out go where they are near.
        late: the layers whose items stand further behind where that is as good.
        spacing: the least distances.
        above: where the lanes of a net that passes over all items should be, by the number of the net.
    """
    return _Placing(layers, orders, gaps, late, spacing, above or {}).result()


def highest(layers: Layers, placement: Placement) -> dict[int, float]:
    """Of each net that passes over all items, the place at which it can pass over all of them without a turn."""
    return {
        number: min(place for (net, _), place in placement.lanes.items() if net == number)
        for number, net in enumerate(layers.nets)
        if net.over
    }


class _Placing:
    def __init__(
        self,
        layers: Layers,
        orders: Sequence[Sequence[Item]],
        gaps: Mapping[Lane, int],
        late: frozenset[int],
        spacing: Spacing,
        above: Mapping[int, float],
    ) -> None:
        self.layers, self.orders, self.wanted, self.late = layers, orders, gaps, late
        self.spacing, self.above = spacing, above
        self.found = Placement()

    def result(self) -> Placement:
        for number, order in enumerate(self.orders):
            self._layer(number, order)
            self._channel(number)
        places = [*self.found.items.values(), *self.found.lanes.values()]
        ends = [self.found.items[item.key] + item.across for item in self.layers.items.values()]
        self.found.cost += _HEIGHT * (max([*ends, *places], default=0) - min(places, default=0))
        return self.found

    def begins(self, net: Net) -> float:
        return self.found.items[net.item] + net.offset

    def comes_in(self, number: int, layer: int) -> float:
        """Where a net meets the channel before a layer, if it comes from the left."""
        net = self.layers.nets[number]
        return self.begins(net) if net.layer == layer - 1 else self.found.lanes[number, layer - 1]

    def _layer(self, number: int, order: Sequence[Item]) -> None:
        self._assign_ports(order, number)
        lanes = self.layers.passing[number]
        alone = [self._item(item, number, bool(place)) for place, item in enumerate(order)]
        gaps = self._gaps(number, order, lanes, stacked(alone, number in self.late) if lanes else [])
        things: list[tuple[Item | int, Placed]] = []
        for place in range(len(order) + 1):
            for lane in gaps.get(place, ()):
                before = self.spacing.lanes if things and isinstance(things[-1][0], int) else self.spacing.lane
                things.append((lane, Placed(0.0, self._lane_wishes(lane, number), before)))
            if place < len(order):
                thing = alone[place]
                if things and isinstance(things[-1][0], int):
                    thing = Placed(thing.extent, thing.wishes, self.spacing.lane)
                things.append((order[place], thing))
        begins = _snapped([thing for _, thing in things], number in self.late)
        for (what, _), begin in zip(things, begins, strict=True):
            if isinstance(what, int):
                self.found.lanes[what, number] = begin
            else:
                self.found.items[what.key] = begin

    def _assign_ports(self, order: Sequence[Item], layer: int) -> None:
        """The offset of each input that a wire ends at, for now in place of where it is."""
        for item in order:
            leading = self.layers.leading_to.get(item.key, [])
            beside = [(wire, net) for wire, net in leading if not wire.over]
            if item.free:
                beside.sort(key=lambda each: self._comes_from(each[1], layer))
                for (wire, _), offset in zip(beside, item.inputs, strict=True):
                    self.found.ports[wire] = offset
            else:
                for wire, _ in beside:
                    self.found.ports[wire] = item.inputs[wire.port]

    def _comes_from(self, number: int, layer: int) -> float:
        return float("inf") if self.layers.nets[number].back else self.comes_in(number, layer)

    def _item(self, item: Item, layer: int, behind: bool) -> Placed:
        wishes = tuple(
            (self.comes_in(net, layer) - self.found.ports[wire], 1.0)
            for wire, net in self.layers.leading_to.get(item.key, [])
            if not wire.over and not self.layers.nets[net].back
        )
        if not wishes and layer:
            wishes = ((self._middle(layer - 1) - item.across / 2, 1.0),)
        return Placed(item.across, wishes, self.spacing.items if behind else 0.0)

    def _middle(self, layer: int) -> float:
        """Of the items of a layer."""
        begins = [(self.found.items[item.key], item.across) for item in self.orders[layer]]
        return (min((b for b, _ in begins), default=0.0) + max((b + size for b, size in begins), default=0.0)) / 2

    def _lane_wishes(self, number: int, layer: int) -> Wishes:
        if number in self.above:
            return ((self.above[number], 1e6),)
        return () if self.layers.nets[number].back else ((self.comes_in(number, layer), _LANE),)

    def _gaps(
        self, layer: int, order: Sequence[Item], lanes: Sequence[int], begins: Sequence[float]
    ) -> dict[int, list[int]]:
        """By the number of an item, the lanes in front of it, in their order."""
        middles = []
        if order and lanes:
            ends = [begin + item.across for begin, item in zip(begins, order, strict=True)]
            middles = [
                begins[0] - self.spacing.lane,
                *((end + begin) / 2 for end, begin in zip(ends, begins[1:], strict=False)),
                ends[-1] + self.spacing.lane,
            ]
        found: dict[int, list[int]] = {}
        for lane in lanes:
            net = self.layers.nets[lane]
            gap = self.wanted.get((lane, layer))
            if net.over or not order:
                gap = 0
            elif gap is None and net.back:
                gap = len(order)
            elif gap is None:
                come = self.comes_in(lane, layer)
                gap = min(range(len(middles)), key=lambda place: abs(middles[place] - come))
            self.found.gaps[lane, layer] = gap
            found.setdefault(gap, []).append(lane)
        for together in found.values():
            together.sort(key=lambda lane: (not self.layers.nets[lane].over, self._comes_from(lane, layer), lane))
        return found

    def _channel(self, layer: int) -> None:
        """Tracks of the channel before a layer; the layer is moved a bit where that keeps wires from each other."""
        order = self.orders[layer]
        offsets = {
            wire: self.found.ports[wire]
            for item in order
            for wire, _ in self.layers.leading_to.get(item.key, ())
            if not wire.over
        }
        lanes = [(net, layer) for net in self.layers.passing[layer]]
        best: tuple[float, float] | None = None
        for shift in _SHIFTS:
            price = self._route(layer, offsets, shift)[0] + abs(shift) / 100
            if best is None or price < best[0]:
                best = (price, shift)
            if price < UPON:
                break
        assert best is not None
        for item in order:
            self._bring_ports_in_line(item, layer, offsets, best[1])
        cost, found, width = self._route(layer, offsets, best[1])
        for item in order:
            self.found.items[item.key] += best[1]
        for lane in lanes:
            self.found.lanes[lane] += best[1]
        for wire, offset in offsets.items():
            self.found.ports[wire] = self.found.items[wire.target] + offset
        self.found.cost += _CROSSING * cost
        self.found.tracks.append(found)
        self.found.widths.append(width)

    def _bring_ports_in_line(self, item: Item, layer: int, offsets: dict[Wire, float], shift: float) -> None:
        """Move inputs of an item a little, where that makes a wire straight and keeps them apart."""
        most = _SNAP if item.free else _ASIDE
        beside = [(wire, net) for wire, net in self.layers.leading_to.get(item.key, ()) if not wire.over]
        for wire, net in beside:
            if self.layers.nets[net].back:
                continue
            straight = self.comes_in(net, layer) - self.found.items[item.key] - shift
            corner = min(_CORNER, item.across / 3)
            others = [offsets[other] for other, _ in beside if other != wire]
            same = all((offset < offsets[wire]) == (offset < straight) for offset in others)
            apart = all(abs(offset - straight) >= _PORTS for offset in others)
            near = 0 < abs(straight - offsets[wire]) <= most
            if near and same and apart and corner <= straight <= item.across - corner:
                offsets[wire] = straight

    def _route(self, layer: int, offsets: Mapping[Wire, float], shift: float) -> tuple[float, dict[int, int], int]:
        numbers, crossings = [], []
        for number in self.layers.crossing[layer]:
            crossing = self._crossing(number, layer, offsets, shift)
            if crossing is not None:
                numbers.append(number)
                crossings.append(crossing)
        found, width, cost = tracks(crossings)
        turns = {number: track for number, track in zip(numbers, found, strict=True) if track is not None}
        # What is bent and how far, in units of a crossing.
        bent = sum(_TURN + each.high - each.low for each in crossings if not each.straight)
        return cost + bent / _CROSSING, turns, width

    def _crossing(self, number: int, layer: int, offsets: Mapping[Wire, float], shift: float) -> Crossing | None:
        net, lanes = self.layers.nets[number], self.found.lanes
        left: list[float] = []
        right = [
            self.found.items[wire.target] + offsets[wire] + shift
            for wire, target in net.wires
            if target == layer and not wire.over
        ]
        if layer in net.lanes and (not net.back or layer <= net.layer):
            right.append(lanes[number, layer] + shift)
        if net.back:
            if layer - 1 in net.lanes:
                left.append(lanes[number, layer - 1])
            if layer == net.layer + 1:
                left.append(self.begins(net))
        elif right:
            left.append(self.comes_in(number, layer))
        return Crossing(tuple(left), tuple(right)) if left or right else None


def _snapped(things: Sequence[Placed], late: bool) -> list[float]:
    """Where each thing of a stack begins, moved a little where that makes a wire straight and there is room."""
    begins = stacked(things, late)
    for number, thing in enumerate(things):
        moves = [wish - begins[number] for wish, _ in thing.wishes]
        if not moves or min(map(abs, moves)) < 1e-6:
            continue
        low, high = float("-inf"), float("inf")
        if number:
            low = begins[number - 1] + things[number - 1].extent + thing.before
        if number + 1 < len(things):
            high = begins[number + 1] - things[number + 1].before - thing.extent
        fitting = [
            move for move in moves if abs(move) <= _SNAP and low - _SLACK <= begins[number] + move <= high + _SLACK
        ]
        if fitting:
            begins[number] += min(fitting, key=abs)
    return begins
