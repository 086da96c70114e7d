"""From choices to the genotype of a space that they stand for, and back.

What is made here is valid because the choices are: steps are validated once and kept, cells and genotypes are put
together without another look. A test compares them with validated ones.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

from bmnas.errors import GenotypeError, short
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import FORMAT, Cell, Step
from bmnas.genotype.space import upper
from bmnas.genotype.space.choices import CellChoice, Choices, Nodes, StepChoice
from bmnas.genotype.space.statement import Statement

_FIXED = ("dialect", "representation", "features", "head", "dropout")


class Members:
    """The genotypes of a space, by their choices."""

    def __init__(self, space: Statement) -> None:
        self._space = space
        self._cell_names = tuple(f"Cell_{n}" for n in range(1, space.cells + 1))
        self._step_names = tuple(f"Step_{m}" for m in range(1, space.steps + 1))
        self._upper = (*(feature.name for feature in space.features), *self._cell_names)
        self._lower = (*INPUT_NAMES[: space.cell_inputs], *self._step_names)
        self._cell_output = self._lower[-space.outputs_per_cell :]
        self._common: dict[str, Any] = {
            "format": FORMAT,
            "name": "genotype",
            "output": (*space.anchor, *self._cell_names),
            "join": "sum" if space.anchor else "concat",
            "provenance": None,
            **{field: getattr(space, field) for field in _FIXED},
        }
        # Keeps at most 4,096 steps in either, which is all of them in spaces of a few steps.
        self._step = lru_cache(maxsize=4096)(self._make_step)
        self._steps = lru_cache(maxsize=4096 // space.steps)(self._make_steps)

    def genotype(self, choices: Choices) -> Genotype:
        """The genotype that the choices stand for."""
        return Genotype.model_construct(**self._common, cells=self.cells(choices))

    def cells(self, choices: Choices) -> tuple[Cell, ...]:
        """The cells that the choices stand for, their inputs in any order."""
        return tuple(self._cell(n, cell) for n, cell in enumerate(choices))

    def choices(self, genotype: Genotype) -> Choices:
        """What the genotype chooses.

        Raises:
            GenotypeError: it is not a genotype of the space; the message names the place and what the space has there.
        """
        for field in _FIXED:
            if getattr(genotype, field) != getattr(self._space, field):
                raise _foreign(genotype, field, "differs from the space's")
        if genotype.members != 1:
            raise _foreign(genotype, "members", f"is {genotype.members}, but the space has single networks")
        if len(genotype.cells) != self._space.cells:
            raise _foreign(genotype, "cells", f"has {len(genotype.cells)} items, but the space has {self._space.cells}")
        choices = tuple(self._cell_choice(genotype, n) for n in range(len(genotype.cells)))
        if fault := upper.fault(self._space.sizes, [cell.inputs for cell in choices]):
            raise _foreign(genotype, f"cells[{fault[0]}].inputs", fault[1])
        for field in ("output", "join"):
            if getattr(genotype, field) != self._common[field]:
                raise _foreign(
                    genotype,
                    field,
                    "is not as in the space, whose output is all cells in their order"
                    + (f" behind {short(', '.join(self._space.anchor))}" if self._space.anchor else ""),
                )
        return choices

    def _cell(self, n: int, choice: CellChoice) -> Cell:
        return Cell.model_construct(
            name=self._cell_names[n],
            inputs=tuple(self._upper[node] for node in choice.inputs),
            steps=self._steps(choice.steps),
            output=self._cell_output,
        )

    def _make_steps(self, choices: tuple[StepChoice, ...]) -> tuple[Step, ...]:
        return tuple(self._step(m, choice) for m, choice in enumerate(choices))

    def _make_step(self, m: int, choice: StepChoice) -> Step:
        return Step(
            name=self._step_names[m],
            op=self._space.operations[choice.operation],
            inputs=tuple(self._lower[node] for node in choice.inputs),
        )

    def _cell_choice(self, genotype: Genotype, n: int) -> CellChoice:
        cell, place, sizes = genotype.cells[n], f"cells[{n}]", self._space.sizes
        if cell.name != self._cell_names[n]:
            raise _foreign(genotype, f"{place}.name", f"is {short(cell.name)}, but in the space {self._cell_names[n]}")
        nodes = self._upper[: sizes.nodes_before_cell(n)]
        inputs = _numbers(genotype, f"{place}.inputs", cell.inputs, nodes, sizes.cell_inputs)
        if any(first >= second for first, second in pairwise(inputs)):
            raise _foreign(
                genotype, f"{place}.inputs", "is not in the space's order: different features, then cells, each once"
            )
        if len(cell.steps) != sizes.steps:
            raise _foreign(genotype, f"{place}.steps", f"has {len(cell.steps)} items, but the space has {sizes.steps}")
        steps = tuple(self._step_choice(genotype, f"{place}.steps[{m}]", m, step) for m, step in enumerate(cell.steps))
        if cell.output != self._cell_output:
            shown = ", ".join(self._cell_output)
            raise _foreign(genotype, f"{place}.output", f"is not the space's, which is [{short(shown)[1:-1]}]")
        return CellChoice(inputs, steps)

    def _step_choice(self, genotype: Genotype, place: str, m: int, step: Step) -> StepChoice:
        sizes = self._space.sizes
        if step.op not in self._space.operations:
            raise _foreign(genotype, f"{place}.op", f"is {short(step.op)}, which the space does not have")
        nodes = self._lower[: sizes.nodes_before_step(m)]
        inputs = _numbers(genotype, f"{place}.inputs", step.inputs, nodes, sizes.step_inputs)
        if not sizes.repeats and len(set(inputs)) < len(inputs):
            raise _foreign(genotype, f"{place}.inputs", "names a node twice, which the space does not allow")
        choice = StepChoice(self._space.operations.index(step.op), inputs)
        if step != self._step(m, choice):
            raise _foreign(genotype, place, f"is not as in the space: {self._step_names[m]}, with default options")
        return choice


def _numbers(genotype: Genotype, place: str, names: tuple[str, ...], nodes: tuple[str, ...], size: int) -> Nodes:
    if len(names) != size:
        raise _foreign(genotype, place, f"has {len(names)} items, but the space has {size}")
    for j, name in enumerate(names):
        if name not in nodes:
            raise _foreign(genotype, f"{place}[{j}]", f"is {short(name)}, which cannot be read there in the space")
    return tuple(map(nodes.index, names))


def _foreign(genotype: Genotype, place: str, problem: str) -> GenotypeError:
    return GenotypeError(f"{genotype.name} is not in the space: {place} {problem}", [(place, problem)])
