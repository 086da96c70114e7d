"""The lower level of a space: the operations and inputs of the steps of one cell (Section 3.3), counted and numbered.

Step m (from 0) chooses an operation and, from the K + m nodes before it, its inputs in their order: any, or different
ones. No choice limits another.
"""

from __future__ import annotations

from functools import lru_cache
from math import perm, prod

from bmnas.genotype.space.choices import Nodes, Sizes, StepChoice, skip


def count(sizes: Sizes) -> int:
    """In how many ways the steps of one cell can be chosen."""
    return prod(sizes.operations * _inputs(sizes, m) for m in range(sizes.steps))


@lru_cache(maxsize=1024)
def unrank(sizes: Sizes, index: int) -> tuple[StepChoice, ...]:
    """The steps at an index from 0 to ``count - 1``."""
    steps = []
    for m in reversed(range(sizes.steps)):
        index, inputs = divmod(index, _inputs(sizes, m))
        index, operation = divmod(index, sizes.operations)
        steps.append(StepChoice(operation, _nodes(sizes, m, inputs)))
    return tuple(reversed(steps))


def rank(sizes: Sizes, steps: tuple[StepChoice, ...]) -> int:
    """The index of the steps."""
    index = 0
    for m, step in enumerate(steps):
        index = index * sizes.operations + step.operation
        index = index * _inputs(sizes, m) + _index(sizes, m, step.inputs)
    return index


def _inputs(sizes: Sizes, m: int) -> int:
    nodes = sizes.nodes_before_step(m)
    return int(nodes**sizes.step_inputs) if sizes.repeats else perm(nodes, sizes.step_inputs)


def _nodes(sizes: Sizes, m: int, index: int) -> Nodes:
    """The inputs at an index: digits to the base of the nodes, or of those that are left."""
    digits = []
    for position in reversed(range(sizes.step_inputs)):
        index, digit = divmod(index, _left(sizes, m, position))
        digits.append(digit)
    nodes: list[int] = []
    for digit in reversed(digits):
        nodes.append(digit if sizes.repeats else skip(digit, sorted(nodes)))
    return tuple(nodes)


def _index(sizes: Sizes, m: int, nodes: Nodes) -> int:
    index = 0
    for position, node in enumerate(nodes):
        before = 0 if sizes.repeats else sum(other < node for other in nodes[:position])
        index = index * _left(sizes, m, position) + node - before
    return index


def _left(sizes: Sizes, m: int, position: int) -> int:
    return sizes.nodes_before_step(m) - (0 if sizes.repeats else position)
