"""Items in layers and the wires between them: what a picture is before it is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Key = tuple[str, ...]

SIDE_BY_SIDE = 8.0  # points between nets that begin at one output, and between wires of several that end at one input


class Spacing(NamedTuple):
    """Distances, in points.

    Attributes:
        items: between items of a layer.
        lane: between an item and a wire that passes it.
        lanes: between wires that pass the same items.
        track: between wires that go up or down in one channel.
        near: from a layer to the first of these.
        far: from the last of these to the next layer; an arrow's head has to find its place there.
    """

    items: float
    lane: float = 10.0
    lanes: float = 8.0
    track: float = 8.0
    near: float = 10.0
    far: float = 16.0


class Item(NamedTuple):
    """What takes room in a layer.

    Attributes:
        key: its name.
        along: its extent along the flow.
        across: its extent across it.
        inputs: how far from its beginning each of its inputs is, across.
        outputs: what wires can begin at, and how far from its beginning that is, across.
        align: where it stands in a layer that is longer along the flow: 0 at its beginning, 1 at its end.
        free: whether wires to it may come in any order; else each says at which input it ends.
    """

    key: Key
    along: float
    across: float
    inputs: tuple[float, ...] = ()
    outputs: tuple[tuple[Key, float], ...] = ()
    align: float = 0.0
    free: bool = False


class Wire(NamedTuple):
    """What leads from an output to an item.

    Attributes:
        source: the output.
        target: the item.
        net: wires of one output and one net share their way as long as they can.
        port: the input of the target where it ends, if that is not free.
        over: whether it ends at the side of the target that lies across the flow, after it has passed over all else.
        number: sets it apart from others with the same ends.
    """

    source: Key
    target: Key
    net: str = ""
    port: int = 0
    over: bool = False
    number: int = 0


@dataclass
class Net:
    """The wires that share their way.

    Attributes:
        layer: that of the item where they begin.
        item: where they begin.
        offset: how far from the beginning of the item, across.
        wires: each with the layer of its target.
        back: whether they lead to an earlier layer, or to their own.
        lanes: the layers that they pass.
        over: whether they pass above all items.
    """

    layer: int
    item: Key
    offset: float
    back: bool
    wires: list[tuple[Wire, int]] = field(default_factory=list)
    lanes: range = range(0)
    over: bool = False

    @property
    def channels(self) -> range:
        """The channels that they come into."""
        if self.back:
            return range(self.lanes.start, self.layer + 2)
        return range(self.layer + 1, max(target for _, target in self.wires) + 1)


class Layers:
    """Layers of items, and the nets of the wires between them.

    Attributes:
        layers: from the first to the last.
        nets: in the order in which they begin.
        leading_to: by item, what ends there, with its net.
        passing: by layer, the nets that have a lane in it.
        crossing: by channel, which has the number of the layer behind it, the nets that come into it.
    """

    def __init__(self, layers: Sequence[Sequence[Item]], wires: Sequence[Wire]) -> None:
        self.layers = [list(layer) for layer in layers]
        self.where = {item.key: number for number, layer in enumerate(layers) for item in layer}
        self.items = {item.key: item for layer in layers for item in layer}
        self.nets = _nets(self, wires)
        self.leading_to: dict[Key, list[tuple[Wire, int]]] = {}
        for number, net in enumerate(self.nets):
            for wire, _ in net.wires:
                self.leading_to.setdefault(wire.target, []).append((wire, number))

        everywhere = range(len(layers))
        self.passing = [[n for n, net in enumerate(self.nets) if layer in net.lanes] for layer in everywhere]
        self.crossing = [[n for n, net in enumerate(self.nets) if layer in net.channels] for layer in everywhere]

    @property
    def work(self) -> int:
        """How much there is to lay out: about in proportion to the time that it takes."""
        return len(self.items) + sum(len(nets) ** 2 for nets in self.crossing)


def _nets(layers: Layers, wires: Sequence[Wire]) -> list[Net]:
    begins = {key: (item, offset) for item in layers.items.values() for key, offset in item.outputs}
    found: dict[tuple[Key, str, bool], Net] = {}
    for wire in wires:
        item, offset = begins[wire.source]
        layer, target = layers.where[item.key], layers.where[wire.target]
        back = target <= layer
        net = found.setdefault((wire.source, wire.net, back), Net(layer, item.key, offset, back))
        net.wires.append((wire, target))
        net.over |= wire.over
    for net in found.values():
        ends = [target + wire.over for wire, target in net.wires]
        net.lanes = range(min(ends), net.layer + 1) if net.back else range(net.layer + 1, max(ends))
    for key in begins:
        parts = [found[each] for each in sorted(found, key=lambda each: each[1:]) if each[0] == key]
        for number, net in enumerate(parts):
            net.offset += SIDE_BY_SIDE * (number - (len(parts) - 1) / 2)
    order = {key: number for number, key in enumerate(begins)}
    return [found[key] for key in sorted(found, key=lambda key: (order[key[0]], key[1:]))]
