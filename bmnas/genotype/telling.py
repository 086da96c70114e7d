"""A genotype in words, for people: what its cells fuse, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from bmnas.genotype.genotype import Genotype
from bmnas.genotype.graph import used_cells, used_steps
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.parsing import AnyGenotype
from bmnas.genotype.schema import Cell
from bmnas.genotype.stacks import Stack, StackGenotype
from bmnas.genotype.stacks.canonical import used_stacks


def in_words(genotype: AnyGenotype) -> str:
    """One sentence for each cell that is used, and one for what becomes of the output; of stacks one for each."""
    if isinstance(genotype, StackGenotype):
        return " ".join(f"{_stack(stack)}." for stack in genotype.stacks if stack.name in used_stacks(genotype))
    used = used_cells(genotype)
    cells = [_cell(cell) for cell in genotype.cells if cell.name in used]
    return " ".join(f"{sentence}." for sentence in [*cells, _output(genotype), *_members(genotype)])


def _stack(stack: Stack) -> str:
    runs = [(op, len(list(same))) for op, same in groupby(block.op for block in stack.blocks)]
    blocks = ", ".join(op if count == 1 else f"{op} × {count}" for op, count in runs) or "nothing"
    memory = f" and looks at {stack.memory}" if stack.memory else ""
    return f"{stack.name} reads {stack.reads}{memory}: {blocks}"


def _cell(cell: Cell) -> str:
    steps = [step for step in cell.steps if step.name in used_steps(cell)]
    done = [f"{step.op}({', '.join(step.inputs)})" for step in steps]
    given = [f"{name} itself" for name in cell.output if name in INPUT_NAMES]
    read = {*cell.output, *(name for step in steps for name in step.inputs)}
    inputs = [f"{source} ({name})" for name, source in zip(INPUT_NAMES, cell.inputs, strict=False) if name in read]
    return f"{cell.name} {'fuses' if len(inputs) > 1 else 'reads'} {listed(inputs)} by {listed([*done, *given])}"


def _output(genotype: Genotype) -> str:
    nodes = listed(genotype.output)
    if genotype.join == "sum":
        return f"{'Linear heads' if len(genotype.output) > 1 else 'A linear head'} of {nodes}, added up"
    return f"One head reads {nodes}"


def _members(genotype: Genotype) -> list[str]:
    return [f"The outputs of {genotype.members} such networks are averaged"] if genotype.members > 1 else []


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
