"""Which features, cells and steps of two genotypes correspond: namesakes, then what is alike and reads the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import TypeVar

from bmnas.genotype.genotype import Genotype
from bmnas.genotype.schema import Cell, Feature, Step

Named = TypeVar("Named", Feature, Cell, Step)

# What a part is, whatever it is called, and the names of what it reads.
Shape = tuple[Hashable, Sequence[str]]


def match_cells(a: Genotype, b: Genotype) -> list[tuple[Cell, Cell]]:
    """The cells of two genotypes that correspond."""
    return match(a.cells, b.cells, shape_of_cell)


def match_steps(one: Cell, other: Cell) -> list[tuple[Step, Step]]:
    """The steps of two cells that correspond."""
    return match(one.steps, other.steps, shape_of_step)


def in_words_of(b: Genotype, a: Genotype) -> tuple[Genotype, dict[tuple[str, ...], str]]:
    """The first genotype with the names that its cells and steps have in the second, and what they were called.

    A cell keeps its name where one of its own genotype's features has the other.

    Returns:
        The genotype, which nothing checks; and, by node, the old name of each that has another now.
    """
    taken = {feature.name for feature in a.features}
    pairs = [(one, other) for one, other in match_cells(a, b) if other.name not in taken]
    upper = {one.name: other.name for one, other in pairs}
    partner = {one.name: other for one, other in match_cells(a, b)}
    old: dict[tuple[str, ...], str] = {}
    cells = []
    for cell in a.cells:
        name = upper.get(cell.name, cell.name)
        steps = match_steps(cell, partner[cell.name]) if cell.name in partner else []
        inner = {one.name: other.name for one, other in steps}
        old |= {("cell", name): cell.name} if name != cell.name else {}
        old |= {("step", name, new): was for was, new in inner.items() if was != new}
        cells.append(_renamed_cell(cell, name, upper, inner))
    output = tuple(upper.get(name, name) for name in a.output)
    return a.model_copy(update={"cells": tuple(cells), "output": output}), old


def _renamed_cell(cell: Cell, name: str, upper: dict[str, str], inner: dict[str, str]) -> Cell:
    steps = [
        step.model_copy(
            update={
                "name": inner.get(step.name, step.name),
                "inputs": tuple(inner.get(read, read) for read in step.inputs),
            }
        )
        for step in cell.steps
    ]
    return cell.model_copy(
        update={
            "name": name,
            "inputs": tuple(upper.get(read, read) for read in cell.inputs),
            "steps": tuple(steps),
            "output": tuple(inner.get(read, read) for read in cell.output),
        }
    )


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
