"""Small changes of a genotype of a space, and mixtures of two, as choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from random import Random

from bmnas.genotype.numbers import below
from bmnas.genotype.space import upper
from bmnas.genotype.space.choices import Choices, Sizes, StepChoice, skip
from bmnas.genotype.space.subsets import Subsets

_LISTED = 10  # cells in which two parents differ, up to which all of their 2 ** cells children are listed
_TRIES = 10_000  # beyond it, draws after which no child is expected to be found


class Neighbours:
    """The choices that differ from the given ones in exactly one: what one cell reads (the set counts as one choice),
    the operation of one step, or one input of one step. Each has an index from 0 to ``count - 1``.
    """

    def __init__(self, sizes: Sizes, choices: Choices) -> None:
        self._blocks = list(_blocks(sizes, choices))
        self.count = sum(count for count, _ in self._blocks)

    def __getitem__(self, index: int) -> Choices:
        for count, change in self._blocks:
            if index < count:
                return change(index)
            index -= count
        raise IndexError(index)


def children(sizes: Sizes, a: Choices, b: Choices, rng: Random) -> Choices:
    """A mixture of two parents, each cell from one of them; see `Space.crossover`."""
    differ = [n for n in range(sizes.cells) if a[n] != b[n]]
    if len(differ) <= _LISTED:
        masks = product((False, True), repeat=len(differ))
        valid = [child for mask in masks if (child := _child(sizes, a, b, differ, mask)) is not None]
        return valid[below(len(valid), rng)] if valid else (a, b)[below(2, rng)]
    for _ in range(_TRIES):
        child = _child(sizes, a, b, differ, tuple(rng.getrandbits(1) == 1 for _ in differ))
        if child is not None:
            return child
    return (a, b)[below(2, rng)]


def _child(sizes: Sizes, a: Choices, b: Choices, differ: list[int], mask: tuple[bool, ...]) -> Choices | None:
    """The child that has the masked cells of b; ``None`` if it is a parent or not in the space."""
    if all(mask) or not any(mask):
        return None
    cells = list(a)
    for n, from_b in zip(differ, mask, strict=True):
        if from_b:
            cells[n] = b[n]
    return None if upper.fault(sizes, [cell.inputs for cell in cells]) else tuple(cells)


def _blocks(sizes: Sizes, choices: Choices) -> Iterator[tuple[int, Callable[[int], Choices]]]:
    """For each choice, how many others there are in its place, and what makes the changed choices of one of them."""
    inputs = [cell.inputs for cell in choices]
    for n, cell in enumerate(choices):
        sets = upper.alternatives(sizes, inputs, n)
        yield sets.count, partial(_with_cell_inputs, choices, n, sets)
        for m, step in enumerate(cell.steps):
            yield sizes.operations - 1, partial(_with_operation, choices, n, m)
            for position, node in enumerate(step.inputs):
                taken = [node] if sizes.repeats else sorted(step.inputs)
                yield (
                    sizes.nodes_before_step(m) - len(taken),
                    partial(_with_step_input, choices, n, m, position, taken),
                )


def _with_cell_inputs(choices: Choices, n: int, sets: Subsets, index: int) -> Choices:
    return (*choices[:n], choices[n]._replace(inputs=sets[index]), *choices[n + 1 :])


def _with_operation(choices: Choices, n: int, m: int, index: int) -> Choices:
    step = choices[n].steps[m]
    return _with_step(choices, n, m, step._replace(operation=skip(index, [step.operation])))


def _with_step_input(choices: Choices, n: int, m: int, position: int, taken: list[int], index: int) -> Choices:
    step = choices[n].steps[m]
    inputs = (*step.inputs[:position], skip(index, taken), *step.inputs[position + 1 :])
    return _with_step(choices, n, m, step._replace(inputs=inputs))


def _with_step(choices: Choices, n: int, m: int, step: StepChoice) -> Choices:
    steps = choices[n].steps
    return (*choices[:n], choices[n]._replace(steps=(*steps[:m], step, *steps[m + 1 :])), *choices[n + 1 :])
