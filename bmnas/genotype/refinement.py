"""Colour refinement of a labelled directed acyclic graph, after which nodes of one colour have like neighbours."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# Node -> (neighbour, code): the code says how the two are connected, and it is odd where the neighbour is read.
Around = dict[int, list[tuple[int, int]]]


class TooSymmetricError(Exception):
    """Telling the nodes apart would take too long."""


class Effort:
    """How many edges and nodes may still be looked at; ``None`` for any number.

    Args:
        left: that number.
        whole: another effort that this one is a part of: what is spent here is spent there.
    """

    def __init__(self, left: int | None, whole: Effort | None = None) -> None:
        self.left, self._whole = left, whole

    def spend(self, looks: int) -> None:
        """Count looks; raise `TooSymmetricError` where there were too many."""
        if self._whole is not None:
            self._whole.spend(looks)
        if self.left is not None:
            self.left -= looks
            if self.left < 0:
                raise TooSymmetricError


@dataclass(frozen=True)
class Colouring:
    """Nodes in classes, which are in an order: a colour is the number of nodes in the classes before its own.

    Attributes:
        colour: of each node.
        classes: the nodes of each colour.
    """

    colour: dict[int, int]
    classes: dict[int, set[int]]

    @classmethod
    def by(cls, keys: Sequence[Any]) -> Colouring:
        """The nodes 0, 1, ... in the order of their keys, those with equal keys in one class."""
        by_key: dict[Any, set[int]] = {}
        for node, key in enumerate(keys):
            by_key.setdefault(key, set()).add(node)
        return cls._of(by_key[key] for key in sorted(by_key))

    @classmethod
    def _of(cls, groups: Iterable[set[int]]) -> Colouring:
        found = cls({}, {})
        start = 0
        for nodes in groups:
            found.classes[start] = nodes
            found.colour.update(dict.fromkeys(nodes, start))
            start += len(nodes)
        return found

    def __iter__(self) -> Iterator[int]:
        """The nodes, class by class."""
        return (node for start in sorted(self.classes) for node in self.classes[start])

    @property
    def discrete(self) -> bool:
        """Whether every node has a colour of its own."""
        return len(self.classes) == len(self.colour)

    def within(self, part: Iterable[int]) -> Colouring:
        """That of some of the nodes, in their own colours."""
        found = Colouring({node: self.colour[node] for node in part}, {})
        for node, start in found.colour.items():
            found.classes.setdefault(start, set()).add(node)
        return found

    def choice(self, loose: Around) -> int:
        """The colour of which a node is best picked; there need be one of several nodes.

        That is one whose nodes have the most colours around them, for these are what a pick can split; of those with
        equally many, the smallest.
        """

        def rank(start: int) -> tuple[int, int, int]:
            nodes = self.classes[start]
            return -len({self.colour[near] for near, _ in loose[next(iter(nodes))]}), len(nodes), start

        return min((start for start, nodes in self.classes.items() if len(nodes) > 1), key=rank)

    def individualised(self, node: int, around: Around, effort: Effort) -> Colouring:
        """The node before the others of its class, and all classes refined by that."""
        start = self.colour[node]
        found = Colouring(dict(self.colour), {colour: set(nodes) for colour, nodes in self.classes.items()})
        found.classes[start] = {node}
        found.classes[start + 1] = self.classes[start] - {node}
        found.colour.update(dict.fromkeys(found.classes[start + 1], start + 1))
        effort.spend(size(around))
        refine(around, found, [start], effort)
        return found

    def trace(self, around: Around) -> tuple[Any, ...]:
        """What a refined colouring says of the graph: equal for colourings of which one can be mapped to the other.

        Two that are discrete and have one trace can be mapped to each other.
        """
        return tuple(
            (start, len(nodes), tuple(sorted((self.colour[near], code) for near, code in around[next(iter(nodes))])))
            for start, nodes in sorted(self.classes.items())
        )

    def loose(self, around: Around) -> Around:
        """The edges without those that connect every node of one colour with every node of another in the same way.

        The colours imply those, and no choice between nodes of one colour depends on them.
        """
        implied = set()
        for start, nodes in self.classes.items():
            node = next(iter(nodes))  # in a refined colouring, any of them will do
            counts = Counter((self.colour[near], code) for near, code in around[node])
            implied |= {(start, *key) for key, count in counts.items() if count == len(self.classes[key[0]])}
        return {
            node: [edge for edge in edges if (self.colour[node], self.colour[edge[0]], edge[1]) not in implied]
            for node, edges in around.items()
        }


def around_of(reads: Sequence[Sequence[tuple[int, int]]]) -> Around:
    """The neighbours of each node, with one code for all the inputs as which one node reads another."""
    edges: dict[tuple[int, int], list[int]] = {}
    for reader, sources in enumerate(reads):
        for source, position in sources:
            edges.setdefault((source, reader), []).append(position)
    ways = {edge: tuple(sorted(positions)) for edge, positions in edges.items()}
    codes = {way: 2 * number for number, way in enumerate(sorted(set(ways.values())))}
    around: Around = {node: [] for node in range(len(reads))}
    for (source, reader), way in ways.items():
        around[source].append((reader, codes[way]))
        around[reader].append((source, codes[way] + 1))
    return around


def size(around: Around) -> int:
    """What it costs to look at all nodes and edges."""
    return len(around) + sum(map(len, around.values()))


def parts_of(around: Around) -> list[list[int]]:
    """The connected components."""
    found: set[int] = set()
    parts = []
    for first in around:
        if first in found:
            continue
        found.add(first)
        part = [first]
        for node in part:  # grows while it is walked
            fresh = {neighbour for neighbour, _ in around[node]} - found
            found |= fresh
            part.extend(fresh)
        parts.append(part)
    return parts


def refine(around: Around, colouring: Colouring, work: Iterable[int], effort: Effort) -> None:
    """Split colours, in place, until nodes of one colour have neighbours of the same colours in the same ways.

    Args:
        around: the edges.
        colouring: what is refined.
        work: the colours that may split others, in an order that does not depend on the numbering.
        effort: what it may take.
    """
    colour, classes = colouring.colour, colouring.classes
    queue = deque(work)
    waiting = set(queue)
    while queue:
        splitter = queue.popleft()
        waiting.discard(splitter)
        seen: dict[int, list[int]] = {}
        for node in classes[splitter]:
            effort.spend(len(around[node]))
            for neighbour, code in around[node]:
                if len(classes[colour[neighbour]]) > 1:
                    seen.setdefault(neighbour, []).append(code)
        groups: dict[int, dict[tuple[int, ...], list[int]]] = {}
        for node, codes in seen.items():
            groups.setdefault(colour[node], {}).setdefault(tuple(sorted(codes)), []).append(node)
        for old in sorted(groups):
            for piece in _split(old, groups[old], colouring, old in waiting):
                queue.append(piece)
                waiting.add(piece)


def _split(old: int, groups: dict[tuple[int, ...], list[int]], colouring: Colouring, waiting: bool) -> list[int]:
    """Split one colour by what was seen of its nodes; returns the colours that have work to do now."""
    classes = colouring.classes
    rest = len(classes[old]) - sum(map(len, groups.values()))
    if not rest and len(groups) == 1:
        return []
    pieces = [old]
    start = old + rest
    for key in sorted(groups):
        if start > old:
            classes[old].difference_update(groups[key])
            classes[start] = set(groups[key])
            colouring.colour.update(dict.fromkeys(groups[key], start))
            pieces.append(start)
        start += len(groups[key])
    if waiting:
        return pieces[1:]
    # What all pieces but one can tell apart, the last cannot tell apart further (Hopcroft).
    largest = max(pieces, key=lambda piece: (len(classes[piece]), -piece))
    return [piece for piece in pieces if piece != largest]
