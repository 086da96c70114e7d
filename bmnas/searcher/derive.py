"""Weights of alternatives -> genotype (Eq. 3 and 11). What may be read, the space knows."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.genotype import Cell
from bmnas.genotype.space import Space
from bmnas.genotype.space.choices import CellChoice, Nodes, StepChoice
from bmnas.searcher.hypernet.mixing import Mixing

Weights = Sequence[Sequence[float]]
"""Of the predecessors of a node, (I, predecessors): one row for all inputs, or one for each of x, y, ..."""


def derive(weights: Mixing, k: int, space: Space) -> tuple[Cell, ...]:
    """The cells that the weights of seed k stand for; their inputs are in the order of x, y, ..., where that is told.

    Args:
        weights: of all alternatives.
        k: which seed.
        space: the genotypes that may be found.
    """
    reads = cell_inputs([cell_KIE[k].tolist() for cell_KIE in weights.cells], space)
    operations_NM = weights.operations[k].argmax(-1).tolist()
    choices = []
    for nodes, row, operations in zip(reads, weights.steps, operations_NM, strict=True):
        inputs = step_inputs([step_KIE[k].tolist() for step_KIE in row], space)
        choices.append(CellChoice(nodes, tuple(map(StepChoice, operations, inputs))))
    return space.cells_of(tuple(choices))


def cell_inputs(weights: Sequence[Weights], space: Space) -> list[Nodes]:
    """The nodes that each cell reads, one cell after the other: those with the greatest product of weights (Eq. 3).

    Ties go to the lowest numbers. A cell leaves the later ones something to read, see `Space.cell_may_read`. With
    weights of their own for x, y, ..., the nodes are in that order; else they ascend.
    """
    chosen: list[Nodes] = []
    for rows in weights:
        chosen.append(space.cell_may_read(chosen).greatest(*rows))
    return chosen


def step_inputs(weights: Sequence[Weights], space: Space) -> list[Nodes]:
    """The nodes that each step of a cell reads; the first is the operation's x (the query).

    With one row of weights: the greatest, the greatest one first. With weights of their own for x, y, ...: those with
    the greatest product, which under the paper's rule may be one node again (footnote 2).
    """
    return [space.step_may_read(m).greatest(*rows) for m, rows in enumerate(weights)]
