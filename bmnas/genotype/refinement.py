"""Colour refinement of a labelled directed acyclic graph, after which nodes of one colour have like neighbours."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

# Node -> (neighbour, code): the code says how the two are connected, and it is odd where the neighbour is read.
Around = dict[int, list[tuple[int, int]]]


class TooSymmetricError(Exception):
    """Telling the nodes apart would take too long."""


class Effort:
    """How many edges may still be looked at; ``None`` for any number."""

    def __init__(self, left: int | None) -> None:
        self.left = left

    def spend(self, edges: int) -> None:
        """Count edges; raise `TooSymmetricError` where there were too many."""
        if self.left is not None:
            self.left -= edges
            if self.left < 0:
                raise TooSymmetricError


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


def colouring(keys: Sequence[Any]) -> tuple[dict[int, int], dict[int, set[int]]]:
    """Node -> colour, and colour -> nodes. A colour is the number of nodes whose keys are smaller."""
    classes: dict[int, set[int]] = {}
    colour: dict[int, int] = {}
    start = 0
    by_key: dict[Any, set[int]] = {}
    for node, key in enumerate(keys):
        by_key.setdefault(key, set()).add(node)
    for key in sorted(by_key):
        classes[start] = by_key[key]
        colour |= dict.fromkeys(by_key[key], start)
        start += len(by_key[key])
    return colour, classes


def refine(
    around: Around, colour: dict[int, int], classes: dict[int, set[int]], work: Iterable[int], effort: Effort
) -> None:
    """Split colours, in place, until nodes of one colour have neighbours of the same colours in the same ways.

    Args:
        work: the colours that may split others, in an order that does not depend on the numbering.
    """
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
            for piece in _split(old, groups[old], colour, classes, old in waiting):
                queue.append(piece)
                waiting.add(piece)


def _split(
    old: int,
    groups: dict[tuple[int, ...], list[int]],
    colour: dict[int, int],
    classes: dict[int, set[int]],
    waiting: bool,
) -> list[int]:
    """Split one colour by what was seen of its nodes; returns the colours that have work to do now."""
    rest = len(classes[old]) - sum(map(len, groups.values()))
    if not rest and len(groups) == 1:
        return []
    pieces = [old]
    start = old + rest
    for key in sorted(groups):
        if start > old:
            classes[old].difference_update(groups[key])
            classes[start] = set(groups[key])
            colour.update(dict.fromkeys(groups[key], start))
            pieces.append(start)
        start += len(groups[key])
    if waiting:
        return pieces[1:]
    # What all pieces but one can tell apart, the last cannot tell apart further (Hopcroft).
    largest = max(pieces, key=lambda piece: (len(classes[piece]), -piece))
    return [piece for piece in pieces if piece != largest]
