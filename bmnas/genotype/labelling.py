"""One order for the nodes of a labelled directed acyclic graph that does not depend on how its nodes were numbered.

Colours are refined until every node of a colour reads, and is read by, the same colours in the same way. Where that
leaves several nodes of one colour, the graph falls apart into parts that cannot tell each other apart; equal parts may
come in any order, so a hundred equal parts cost no more than one. Only within a part that does not fall apart is a node
picked, and each choice tried (McKay and Piperno, Practical graph isomorphism II, 2014: individualisation and
refinement). Whatever choice gives the smallest description wins.

A choice is not tried where an automorphism takes a tried one to it. Those come from everything that was looked at after
an earlier choice, and of a choice that none of them reaches, one is looked for (`isomorphism.py`), which is most often
one way down; so complete graphs, projective planes and the like, with more automorphisms than could be counted, take
about a way down for each node. What still looks alike without being so is decided exactly too, within `EFFORT`; beyond
it the answer is an error, never a wrong order and never a hang.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bmnas.genotype.isomorphism import Coloured, Map, isomorphism
from bmnas.genotype.refinement import Around, Colouring, Effort, TooSymmetricError, around_of, parts_of, refine, size

# Edges and nodes looked at while choices are tried: one to three seconds.
EFFORT = 1_500_000
_DEPTH = 100
# In looks at all of a graph: how long an automorphism is looked for before the choice is tried.
_WAYS = 300


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
    colouring = Colouring.by([(height, label) for height, label in zip(heights, labels, strict=True)])
    refine(around, colouring, sorted(colouring.classes), Effort(None))
    return _Search(Effort(EFFORT)).ordered(around, colouring, 0)


class _Search:
    """What is known while choices are tried.

    Attributes:
        effort: what is left of it.
        automorphisms: those that were met, each as the nodes that it moves. Whatever is met while a choice stands keeps
            that choice, and is an automorphism of what was there before it too.
    """

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.automorphisms: list[Map] = []

    def ordered(self, around: Around, colouring: Colouring, depth: int) -> list[int]:
        """The nodes of a refined colouring in canonical order."""
        if colouring.discrete:
            return list(colouring)
        if depth:  # before any choice, all of this together is about linear
            self.effort.spend(3 * size(around))  # parts, descriptions, edges without those that are implied
        loose = colouring.loose(around)
        parts = parts_of(loose)
        if len(parts) == 1:
            return self._best(loose, colouring, depth)
        # As deep as the parts nest, which is at most the logarithm of the nodes: repeated parts are nested in each
        # other.
        orders = [self._part(part, loose, colouring, depth) for part in parts]
        described = sorted(
            ((_description(order, loose, colouring), order) for order in orders), key=lambda pair: pair[0]
        )
        for (one, order), (other, like) in pairwise(described):
            if one == other:
                self._meet(dict(zip([*order, *like], [*like, *order], strict=True)))
        # A stable sort: within a colour, the nodes stay in the order of their parts.
        return sorted((node for _, order in described for node in order), key=colouring.colour.__getitem__)

    def _part(self, part: list[int], around: Around, colouring: Colouring, depth: int) -> list[int]:
        if len(part) == 1:
            return part
        return self.ordered({node: around[node] for node in part}, colouring.within(part), depth)

    def _best(self, around: Around, colouring: Colouring, depth: int) -> list[int]:
        """Pick each node of the smallest class in turn, and keep the order of the smallest trace and description."""
        if depth >= _DEPTH:
            raise TooSymmetricError
        best: tuple[Any, Any, list[int]] | None = None
        tried: dict[int, Colouring] = {}
        orbits, met = {node: node for node in around}, len(self.automorphisms)
        for node in sorted(colouring.classes[colouring.choice(around)]):
            met = self._join(orbits, met)
            if _root(orbits, node) in {_root(orbits, other) for other in tried}:
                continue
            own = colouring.individualised(node, around, self.effort)
            trace = own.trace(around)
            if best is not None and trace > best[0]:
                continue
            if best is not None and trace < best[0]:
                best, tried = None, {}
            if self._is_like_one_of(tried, own, around):
                continue
            tried[node] = own
            order = self.ordered(around, own, depth + 1)
            description = _description(order, around, colouring)
            if best is not None and description == best[1]:
                self._meet(dict(zip(best[2], order, strict=True)))
            elif best is None or description < best[1]:
                best = trace, description, order
        assert best is not None
        return best[2]

    def _is_like_one_of(self, tried: dict[int, Colouring], own: Colouring, around: Around) -> bool:
        """Whether an automorphism takes a choice that was tried to this one, as far as that is soon found."""
        most = _WAYS * size(around)
        for other in tried.values():
            try:
                found = isomorphism(Coloured(around, other), Coloured(around, own), Effort(most, self.effort))
            except TooSymmetricError:  # if not of this part of the effort but of the whole, it is raised again
                continue
            if found is not None:
                self._meet(found)
                return True
        return False

    def _meet(self, automorphism: Map) -> None:
        self.automorphisms.append({node: to for node, to in automorphism.items() if node != to})

    def _join(self, orbits: dict[int, int], first: int) -> int:
        """Put nodes that the automorphisms from that number on take to each other into one orbit; how many there are.

        What other nodes such an automorphism moves, does not matter here.
        """
        for automorphism in self.automorphisms[first:]:
            for node, to in automorphism.items():
                if node in orbits:
                    orbits[_root(orbits, node)] = _root(orbits, to)
        return len(self.automorphisms)


def _root(orbits: dict[int, int], node: int) -> int:
    while orbits[node] != node:
        orbits[node] = orbits[orbits[node]]
        node = orbits[node]
    return node


def _description(order: list[int], around: Around, colouring: Colouring) -> tuple[Any, ...]:
    """Colours and edges of the nodes in that order; equal for two orders exactly when they map one to the other."""
    index = {node: number for number, node in enumerate(order)}
    return tuple(
        (colouring.colour[node], tuple(sorted((code, index[near]) for near, code in around[node] if code % 2)))
        for node in order
    )
