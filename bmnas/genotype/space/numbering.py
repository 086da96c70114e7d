"""The genotypes of a space in a row: how many there are, and which choices stand at which index."""

from __future__ import annotations

from bmnas.genotype.space import lower, upper
from bmnas.genotype.space.choices import CellChoice, Choices, Sizes


def count(sizes: Sizes) -> int:
    """How many genotypes there are: what the cells read and what each does are chosen apart."""
    return int(upper.count(sizes) * lower.count(sizes) ** sizes.cells)


def unrank(sizes: Sizes, index: int) -> Choices:
    """The choices at an index from 0 to ``count - 1``; what the cells read is its leading digit."""
    per_cell = lower.count(sizes)
    digits = []
    for _ in range(sizes.cells):
        index, digit = divmod(index, per_cell)
        digits.append(digit)
    return tuple(
        CellChoice(nodes, lower.unrank(sizes, digit))
        for nodes, digit in zip(upper.unrank(sizes, index), reversed(digits), strict=True)
    )


def rank(sizes: Sizes, choices: Choices) -> int:
    """The index of the choices."""
    index = upper.rank(sizes, [cell.inputs for cell in choices])
    per_cell = lower.count(sizes)
    for cell in choices:
        index = index * per_cell + lower.rank(sizes, cell.steps)
    return index
