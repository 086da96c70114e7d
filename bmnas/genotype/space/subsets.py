"""The sets of a given size that can be picked from groups of nodes: counted, numbered and compared by weights, without
listing them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product
from math import comb
from operator import mul
from typing import NamedTuple

from bmnas.genotype.space.choices import Nodes, skip
from bmnas.genotype.space.greatest import Combine, Row, greatest


class Group(NamedTuple):
    """Nodes, ascending, of which a set has at least ``least`` and at most ``most``."""

    nodes: Sequence[int]
    least: int
    most: int


class Subsets:
    """The sets of ``size`` nodes that keep to disjoint groups, each at an index from 0 to ``count - 1``.

    Args:
        size: how many nodes a set has.
        groups: the nodes that there are, and how many of each group a set may have.
        without: sets that are left out; those that would not be there anyway do not matter.
    """

    def __init__(self, size: int, groups: Sequence[Group], without: Iterable[Nodes] = ()) -> None:
        self.size = size
        self.groups = groups
        self._ways = _ways(size, groups)
        self._left_out = frozenset(map(frozenset, without))
        self._without = sorted(rank for nodes in self._left_out if (rank := self._rank(nodes)) is not None)
        self.count = self._ways[0][size] - len(self._without)

    def __getitem__(self, index: int) -> Nodes:
        """The set at an index, ascending."""
        rank = skip(index, self._without)
        nodes: list[int] = []
        left = self.size
        for group, rest in zip(self.groups, self._ways[1:], strict=True):
            taken, rank = _how_many(group, rest, left, rank)
            own, rank = divmod(rank, rest[left - taken])
            nodes += (group.nodes[position] for position in _positions(own, taken, len(group.nodes)))
            left -= taken
        return tuple(sorted(nodes))

    def index(self, nodes: Nodes) -> int:
        """The index of a set.

        Raises:
            ValueError: it is not one of the sets.
        """
        rank = self._rank(nodes)
        place = bisect_left(self._without, rank) if rank is not None else 0
        if rank is None or self._without[place : place + 1] == [rank]:
            raise ValueError(f"{nodes} is not one of the sets")
        return rank - place

    def ascending(self) -> Iterator[Nodes]:
        """All of them, each ascending, in the order of their numbers (which is not that of their indices)."""
        everything = sorted(node for group in self.groups for node in group.nodes)
        return (nodes for nodes in combinations(everything, self.size) if self._allows(nodes) and self._fits(nodes))

    def greatest(self, *rows: Row, combine: Combine = mul) -> Nodes:
        """The nodes whose weights have the greatest product (Eq. 3); of equals, the first in order of their numbers.

        Args:
            rows: the weight of every node, for each input, or one for all of them. With weights of their own for each
                input, the nodes are in the order of the inputs; else they ascend.
            combine: what takes the place of the product, see `bmnas.genotype.space.greatest`.

        Raises:
            ValueError: there is no set.
        """
        if len(rows) > 1:
            return greatest(self._patterns(), rows, allowed=self._allows, combine=combine)
        return tuple(sorted(greatest(self._patterns(), rows * self.size, allowed=self._allows, combine=combine)))

    def _patterns(self) -> Iterator[list[Sequence[int]]]:
        """From which group each node of a set comes, its nodes in any order."""
        for pattern in product(range(len(self.groups)), repeat=self.size):
            if all(group.least <= pattern.count(g) <= group.most for g, group in enumerate(self.groups)):
                yield [self.groups[g].nodes for g in pattern]

    def _allows(self, nodes: Nodes) -> bool:
        return frozenset(nodes) not in self._left_out

    def _fits(self, nodes: Nodes) -> bool:
        """Whether a set has as many nodes of each group as it should."""
        return all(
            group.least <= sum(_position(group.nodes, node) is not None for node in nodes) <= group.most
            for group in self.groups
        )

    def _rank(self, nodes: Iterable[int]) -> int | None:
        """The index of a set where no set is left out; ``None`` if it is not one of the sets."""
        nodes = tuple(nodes)
        if len(nodes) != self.size or len(set(nodes)) != self.size:
            return None
        rank = 0
        left = self.size
        for group, rest in zip(self.groups, self._ways[1:], strict=True):
            places = [place for node in nodes if (place := _position(group.nodes, node)) is not None]
            if not group.least <= len(places) <= group.most:
                return None
            for taken in range(group.least, len(places)):
                rank += comb(len(group.nodes), taken) * rest[left - taken]
            left -= len(places)
            rank += sum(comb(place, i) for i, place in enumerate(sorted(places), 1)) * rest[left]
        return rank if left == 0 else None


def _ways(size: int, groups: Sequence[Group]) -> list[list[int]]:
    """``[g][s]``: in how many ways ``s`` nodes can be picked from the groups from ``g`` on."""
    ways = [[1] + [0] * size]
    for group in reversed(groups):
        picks = [comb(len(group.nodes), taken) for taken in range(min(group.most, size) + 1)]
        ways.append(
            [
                sum(picks[taken] * ways[-1][s - taken] for taken in range(group.least, min(group.most, s) + 1))
                for s in range(size + 1)
            ]
        )
    return ways[::-1]


def _how_many(group: Group, rest: Sequence[int], left: int, rank: int) -> tuple[int, int]:
    """How many nodes of a group the set at a rank has, and its rank among those with as many.

    Args:
        group: the group.
        rest: by how many nodes are still missing after it, the ways to pick them.
        left: how many nodes are missing before it.
        rank: among the sets of ``left`` nodes from this group on.
    """
    for taken in range(group.least, min(group.most, left) + 1):
        block = comb(len(group.nodes), taken) * rest[left - taken]
        if rank < block:
            return taken, rank
        rank -= block
    raise IndexError("there are not as many sets")


def _positions(rank: int, size: int, among: int) -> list[int]:
    """The set at a rank of the combinatorial number system: rank = Σ comb(position_i, i), i = 1 .. size."""
    positions = []
    for i in range(size, 0, -1):
        among = bisect_right(range(among), rank, key=lambda position: comb(position, i)) - 1
        positions.append(among)
        rank -= comb(among, i)
    return positions


def _position(nodes: Sequence[int], node: int) -> int | None:
    place = bisect_left(nodes, node)
    return place if place < len(nodes) and nodes[place] == node else None
