"""Which features, cells and steps of two genotypes correspond: namesakes, then what is alike and reads the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import TypeVar

from bmnas.genotype.schema import Cell, Feature, Step

Named = TypeVar("Named", Feature, Cell, Step)

# What a part is, whatever it is called, and the names of what it reads.
Shape = tuple[Hashable, Sequence[str]]


def match(
    a: Sequence[Named], b: Sequence[Named], shape: Callable[[Named], Shape] | None = None
) -> list[tuple[Named, Named]]:
    """What corresponds, in the order of ``a``: namesakes, then those that alone are and read the same.

    Args:
        shape: of a part; ``None`` to match by name only.
    """
    in_b = {part.name: part for part in b}
    pairs = {part.name: in_b[part.name] for part in a if part.name in in_b}
    if shape is not None:
        known: dict[Hashable, int] = {}
        namesakes = frozenset(pairs)
        others = _alone(b, namesakes, shape, known)
        pairs |= {part.name: others[key] for key, part in _alone(a, namesakes, shape, known).items() if key in others}
    return [(part, pairs[part.name]) for part in a if part.name in pairs]


def shape_of_cell(cell: Cell) -> Shape:
    """What a cell does, whatever its steps are called, and what it reads."""
    numbers = {step.name: f"step {number}" for number, step in enumerate(cell.steps)}
    steps = tuple((_what(step), tuple(numbers.get(name, name) for name in step.inputs)) for step in cell.steps)
    return (steps, tuple(numbers.get(name, name) for name in cell.output)), cell.inputs


def shape_of_step(step: Step) -> Shape:
    """What a step does, and what it reads."""
    return _what(step), step.inputs


def _what(step: Step) -> Hashable:
    return step.op, repr(sorted(step.options.items()))


def _alone(
    parts: Sequence[Named],
    namesakes: Collection[str],
    shape: Callable[[Named], Shape],
    known: dict[Hashable, int],
) -> dict[int, Named]:
    """The parts without a namesake, by a number for what they are and read; without those that share their number.

    Args:
        known: the numbers given so far; both genotypes need the same.
    """
    numbers: dict[str, Hashable] = {}
    by_number: dict[int, list[Named]] = {}
    for part in parts:
        if part.name in namesakes:
            continue
        what, reads = shape(part)
        # A part comes after those it reads, so what has no namesake either has its number already.
        key = (what, tuple(numbers.get(name, name) for name in reads))
        number = numbers[part.name] = known.setdefault(key, len(known))
        by_number.setdefault(number, []).append(part)
    return {number: found[0] for number, found in by_number.items() if len(found) == 1}
