"""The lower level of a space: the operations and inputs of the steps of one cell (Section 3.3), counted and numbered.

Step m (from 0) chooses an operation and, from the K + m nodes before it, its inputs in their order: any, or different
ones. No choice limits another.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

from bmnas.genotype.space.choices import Sizes, StepChoice
from bmnas.genotype.space.tuples import Tuples


def count(sizes: Sizes) -> int:
    """In how many ways the steps of one cell can be chosen."""
    return prod(sizes.operations * may_read(sizes, m).count for m in range(sizes.steps))


@lru_cache(maxsize=1024)
def unrank(sizes: Sizes, index: int) -> tuple[StepChoice, ...]:
    """The steps at an index from 0 to ``count - 1``."""
    steps = []
    for m in reversed(range(sizes.steps)):
        inputs = may_read(sizes, m)
        index, digit = divmod(index, inputs.count)
        index, operation = divmod(index, sizes.operations)
        steps.append(StepChoice(operation, inputs[digit]))
    return tuple(reversed(steps))


def rank(sizes: Sizes, steps: tuple[StepChoice, ...]) -> int:
    """The index of the steps."""
    index = 0
    for m, step in enumerate(steps):
        index = index * sizes.operations + step.operation
        inputs = may_read(sizes, m)
        index = index * inputs.count + inputs.index(step.inputs)
    return index


def may_read(sizes: Sizes, m: int) -> Tuples:
    """The inputs that step ``m`` (from 0) of any cell may have."""
    return Tuples(sizes.nodes_before_step(m), sizes.step_inputs, sizes.repeats)
