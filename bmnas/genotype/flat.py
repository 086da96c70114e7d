"""The function that a genotype describes, as a flat graph of what is used, where steps read upper nodes directly.

A cell that names one node as both x and y reads one node; an input that nothing reads is not there at all. What a node
reads has a position where the order matters, and `ANY` where it does not:

- the inputs of a step, unless its operation is commutative;
- the output nodes of a cell: any order, because it only permutes the weights of the layer that reads all of them;
- the first input of a cell in the official dialect, which is added to its output: `RESIDUAL`;
- the output of the genotype: any order where a head reads it; without a head it is what users see, so it counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bmnas.genotype.operations import INPUT_NAMES, find
from bmnas.genotype.schema import Cell, Genotype, Step

Node = tuple[str, ...]  # as in graph.py

ANY = -1
RESIDUAL = -2

_FEATURE, _STEP, _CELL, _OUTPUT = range(4)


@dataclass(frozen=True)
class FlatGraph:
    """The used nodes, each after all that it reads; the last is the output.

    Attributes:
        nodes: ``("feature", name)``, ``("step", cell, name)``, ``("cell", name)``, ``("output",)``.
        labels: what a node is, apart from what it reads and how cells and steps are called.
        reads: of each node, (number of the node that it reads, position).
    """

    nodes: list[Node]
    labels: list[tuple[int, str]]
    reads: list[list[tuple[int, int]]]


def flatten(genotype: Genotype) -> FlatGraph:
    """The flat graph of a genotype."""
    features, cells = _used(genotype)
    flat = FlatGraph([], [], [])
    upper = {name: _add(flat, ("feature", name), (_FEATURE, name), []) for name in sorted(features)}
    for cell, steps in cells:
        # What is not in `upper` is not used, so nothing in this cell reads it.
        nodes = {inner: upper[name] for inner, name in zip(INPUT_NAMES, cell.inputs, strict=False) if name in upper}
        for step in steps:
            nodes[step.name] = _add(flat, ("step", cell.name, step.name), (_STEP, _what(step)), _inputs(step, nodes))
        reads = [(nodes[name], ANY) for name in cell.output]
        if genotype.dialect == "official":
            reads.append((nodes["x"], RESIDUAL))
        upper[cell.name] = _add(flat, ("cell", cell.name), (_CELL, ""), reads)
    ordered = genotype.head is None
    output = [(upper[name], position if ordered else ANY) for position, name in enumerate(genotype.output)]
    _add(flat, ("output",), (_OUTPUT, ""), output)
    return flat


def _used(genotype: Genotype) -> tuple[set[str], list[tuple[Cell, list[Step]]]]:
    """The names of the used features, and the used cells with their used steps, in genotype order."""
    wanted = set(genotype.output)
    cells = []
    for cell in reversed(genotype.cells):
        if cell.name not in wanted:
            continue
        wanted.discard(cell.name)
        read = set(cell.output) | ({"x"} if genotype.dialect == "official" else set())
        steps = []
        for step in reversed(cell.steps):
            if step.name in read:
                steps.append(step)
                read.update(step.inputs)
        wanted.update(name for inner, name in zip(INPUT_NAMES, cell.inputs, strict=False) if inner in read)
        cells.append((cell, steps[::-1]))
    return wanted, cells[::-1]


def _inputs(step: Step, nodes: dict[str, int]) -> list[tuple[int, int]]:
    commutative = find(step.op).commutative
    return [(nodes[name], ANY if commutative else position) for position, name in enumerate(step.inputs)]


def _what(step: Step) -> str:
    # JSON: 1 and True, or 1 and 1.0, are equal in Python, but not the same option.
    return json.dumps([step.op, step.options], sort_keys=True) if step.options else json.dumps([step.op])


def _add(flat: FlatGraph, node: Node, label: tuple[int, str], reads: list[tuple[int, int]]) -> int:
    flat.nodes.append(node)
    flat.labels.append(label)
    flat.reads.append(reads)
    return len(flat.nodes) - 1
