"""The inputs of a step in their order: tuples of the nodes before it, counted, numbered and compared by weights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, combinations_with_replacement, cycle, islice, permutations, product
from math import perm
from operator import mul

from bmnas.genotype.space.choices import Nodes, skip
from bmnas.genotype.space.greatest import Combine, Row, greatest


class Tuples:
    """All tuples of ``size`` of the first ``nodes`` numbers, in order, each at an index from 0 to ``count - 1``.

    Args:
        nodes: how many nodes there are.
        size: how many of them a tuple has.
        repeats: whether it may have one twice.
    """

    def __init__(self, nodes: int, size: int, repeats: bool) -> None:
        self.nodes, self.size, self.repeats = nodes, size, repeats
        self.count = int(nodes**size) if repeats else perm(nodes, size)

    def __getitem__(self, index: int) -> Nodes:
        """The tuple at an index: digits to the base of the nodes, or of those that are left."""
        digits = []
        for position in reversed(range(self.size)):
            index, digit = divmod(index, self._left(position))
            digits.append(digit)
        nodes: list[int] = []
        for digit in reversed(digits):
            nodes.append(digit if self.repeats else skip(digit, sorted(nodes)))
        return tuple(nodes)

    def __iter__(self) -> Iterator[Nodes]:
        """All of them, in the order of their indices."""
        nodes = range(self.nodes)
        return product(nodes, repeat=self.size) if self.repeats else permutations(nodes, self.size)

    def index(self, nodes: Nodes) -> int:
        """The index of a tuple."""
        index = 0
        for position, node in enumerate(nodes):
            before = 0 if self.repeats else sum(other < node for other in nodes[:position])
            index = index * self._left(position) + node - before
        return index

    def sets(self) -> Iterator[Nodes]:
        """One order of each, without repeats: for those to whom all inputs are the same.

        Where there are fewer nodes than inputs, all nodes are read, and some of them again.
        """
        nodes = range(self.nodes)
        if self.nodes >= self.size:
            yield from combinations(nodes, self.size)
        else:
            for more in combinations_with_replacement(nodes, self.size - self.nodes):
                yield tuple(sorted((*nodes, *more)))

    def greatest(self, *rows: Row, combine: Combine = mul) -> Nodes:
        """The tuple whose weights have the greatest product; of equals, the first.

        With one row of weights, whose greatest product would be one node again and again: its greatest weights, the
        greatest first, and from the beginning again where there are fewer nodes than inputs.

        Args:
            rows: the weight of every node, for each input, or one for all of them.
            combine: what takes the place of the product, see `bmnas.genotype.space.greatest`.
        """
        if len(rows) == 1:
            falling = sorted(range(self.nodes), key=lambda node: -rows[0][node])
            return tuple(islice(cycle(falling), self.size))
        return greatest([[range(self.nodes)] * self.size], rows, repeats=self.repeats, combine=combine)

    def _left(self, position: int) -> int:
        return self.nodes - (0 if self.repeats else position)
