"""One order for the nodes of a labelled directed acyclic graph that does not depend on how its nodes were numbered.

Colours are refined until every node of a colour reads, and is read by, the same colours in the same way. Where that
leaves several nodes of one colour, the graph falls apart into parts that cannot tell each other apart; equal parts may
come in any order, so a hundred equal parts cost no more than one. Only within a part that does not fall apart is a node
picked, and each choice tried (McKay and Piperno, Practical graph isomorphism II, 2014: individualisation and
refinement, with the automorphisms that are met on the way). Whatever choice gives the smallest description wins.

The time is about linear in the edges, but for graphs whose nodes look alike without being so. Those are decided
exactly too, within `EFFORT`; beyond it the answer is an error, never a wrong order and never a hang.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bmnas.genotype.refinement import Around, Effort, TooSymmetricError, around_of, colouring, refine

# Edges looked at while choices are tried: a few seconds.
EFFORT = 1_000_000
_DEPTH = 100


def canonical_order(labels: Sequence[Any], reads: Sequence[Sequence[tuple[int, int]]]) -> list[int]:
    """The nodes in an order that is the same, up to an automorphism, for every numbering of the same graph.

    Each node comes after the nodes that it reads. Two graphs are isomorphic if and only if they are equal, labels and
    reads, after their nodes have been numbered in this order.

    Args:
        labels: of each node; all of one kind that can be sorted.
        reads: of each node, ``(node, position)``: which nodes it reads, all numbered below itself, and as which of its
            inputs. Inputs whose order does not matter have the same position.

    Raises:
        TooSymmetricError: the graph would take more than `EFFORT`.
    """
    around = around_of(reads)
    heights: list[int] = []
    for edges in reads:
        heights.append(1 + max((heights[node] for node, _ in edges), default=-1))
    # The height comes first, and refinement only splits colours, so that what is read stays before what reads it.
    keys = [(height, label) for height, label in zip(heights, labels, strict=True)]
    colour, classes = colouring(keys)
    refine(around, colour, classes, sorted(classes), Effort(None))
    return _ordered(around, colour, classes, Effort(EFFORT))


def _ordered(
    around: Around, colour: dict[int, int], classes: dict[int, set[int]], effort: Effort, depth: int = 0
) -> list[int]:
    """The nodes of a refined colouring in canonical order."""
    if len(classes) == len(around):
        return [node for start in sorted(classes) for node in classes[start]]
    loose = _loose(around, colour, classes)
    parts = _parts(loose)
    if len(parts) == 1:
        return _best(loose, colour, classes, effort, depth)
    orders = [_order_of_part(part, loose, colour, effort, depth) for part in parts]
    orders.sort(key=lambda order: _description(order, loose, colour))
    # A stable sort: within a colour, the nodes stay in the order of their parts.
    return sorted((node for order in orders for node in order), key=colour.__getitem__)


def _loose(around: Around, colour: dict[int, int], classes: dict[int, set[int]]) -> Around:
    """The edges without those that connect every node of one colour with every node of another in the same way.

    The colours imply those, and no choice between nodes of one colour depends on them.
    """
    implied = set()
    for start, members in classes.items():
        node = next(iter(members))  # in a refined colouring, any of them will do
        counts = Counter((colour[neighbour], code) for neighbour, code in around[node])
        implied |= {(start, *key) for key, count in counts.items() if count == len(classes[key[0]])}
    return {
        node: [edge for edge in edges if (colour[node], colour[edge[0]], edge[1]) not in implied]
        for node, edges in around.items()
    }


def _parts(around: Around) -> list[list[int]]:
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


def _order_of_part(part: list[int], around: Around, colour: dict[int, int], effort: Effort, depth: int) -> list[int]:
    if len(part) == 1:
        return part
    classes: dict[int, set[int]] = {}
    for node in part:
        classes.setdefault(colour[node], set()).add(node)
    inside = {node: around[node] for node in part}
    # As deep as the parts nest, which is at most the logarithm of the nodes: repeated parts are nested in each other.
    return _ordered(inside, colour, classes, effort, depth)


def _best(
    around: Around, colour: dict[int, int], classes: dict[int, set[int]], effort: Effort, depth: int
) -> list[int]:
    """Pick each node of the smallest colour in turn, order the rest, and keep the order of the smallest description."""
    if depth >= _DEPTH:
        raise TooSymmetricError
    start = min((len(members), start) for start, members in classes.items() if len(members) > 1)[1]
    orders: dict[Any, list[int]] = {}
    orbit = {node: node for node in around}
    tried: list[int] = []
    for node in sorted(classes[start]):
        if _root(orbit, node) in {_root(orbit, other) for other in tried}:
            continue
        tried.append(node)
        own = {other: colour[other] for other in around}
        split = {each: set(members) for each, members in classes.items()}
        split[start], split[start + 1] = {node}, split[start] - {node}
        own |= dict.fromkeys(split[start + 1], start + 1)
        effort.spend(len(around))
        refine(around, own, split, [start], effort)
        order = _ordered(around, own, split, effort, depth + 1)
        before = orders.setdefault(_description(order, around, colour), order)
        # Equal descriptions are an automorphism: what it maps to each other need not be tried both.
        for one, other in zip(before, order, strict=True):
            orbit[_root(orbit, one)] = _root(orbit, other)
    return orders[min(orders)]


def _root(orbit: dict[int, int], node: int) -> int:
    while orbit[node] != node:
        orbit[node] = orbit[orbit[node]]
        node = orbit[node]
    return node


def _description(order: list[int], around: Around, colour: dict[int, int]) -> tuple[Any, ...]:
    """Colours and edges of the nodes in that order; equal for two orders exactly when they map one to the other."""
    index = {node: number for number, node in enumerate(order)}
    return tuple(
        (colour[node], tuple(sorted((code, index[read]) for read, code in around[node] if code % 2))) for node in order
    )
