"""A genotype of a space as plain numbers, and the sizes that say which numbers there are.

Nodes are counted as the paper orders them: features, then cells (the sequence S); inside a cell its inputs, then its
steps (the sequence T, Eq. 9). Operations are counted in the order of the pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, permutations
from typing import NamedTuple

Nodes = tuple[int, ...]


class Sizes(NamedTuple):
    """The numbers that a space is counted from."""

    features: int
    cells: int
    steps: int
    cell_inputs: int
    step_inputs: int
    operations: int
    reads_cells: bool
    new_feature: bool
    repeats: bool

    def nodes_before_cell(self, n: int) -> int:
        """How many nodes cell ``n`` (from 0) may read: the features, and under the paper's rule the cells before."""
        return self.features + (n if self.reads_cells else 0)

    def nodes_before_step(self, m: int) -> int:
        """How many nodes step ``m`` (from 0) of a cell may read: the cell's inputs and the steps before it."""
        return self.cell_inputs + m


class StepChoice(NamedTuple):
    """An operation, and the nodes of the cell that it reads, in their order."""

    operation: int
    inputs: Nodes


class CellChoice(NamedTuple):
    """The nodes that a cell reads, ascending, and its steps."""

    inputs: Nodes
    steps: tuple[StepChoice, ...]


Choices = tuple[CellChoice, ...]

_ALL_ORDERS = 4  # inputs up to which all of their at most 24 orders are gone through


def other_orders(nodes: Nodes) -> Iterator[Nodes]:
    """The same nodes in other orders: in all of them, or with five and more in those in which two change places."""
    if len(nodes) <= _ALL_ORDERS:
        yield from (order for order in permutations(nodes) if order != nodes)
    else:
        for i, j in combinations(range(len(nodes)), 2):
            yield (*nodes[:i], nodes[j], *nodes[i + 1 : j], nodes[i], *nodes[j + 1 :])


def skip(index: int, taken: Iterable[int]) -> int:
    """The number at that index (from 0) among the numbers that are not taken; ``taken`` ascends."""
    for number in taken:
        if number > index:
            break
        index += 1
    return index
