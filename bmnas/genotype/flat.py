"""The function that a genotype describes, as a flat graph of what is used, where steps read upper nodes directly.

A cell that names one node as both x and y reads one node; an input that nothing reads is not there at all. What a node
reads has a position where the order matters, and `ANY` where it does not:

- the inputs of a step, unless its operation is commutative; Attention(x, y, y) is Attention(x, y);
- the output nodes of a cell: any order, because it only permutes the weights of the layer that reads all of them;
- the first input of a cell in the official dialect, which is added to its output: `RESIDUAL`;
- the output of the genotype: any order where a head reads it; without a head it is what users see, so it counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bmnas.genotype.genotype import Genotype
from bmnas.genotype.graph import Node, used_nodes
from bmnas.genotype.lookup import find
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Step

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
    used = used_nodes(genotype)
    flat = FlatGraph([], [], [])
    features = sorted(node[1] for node in used if node[0] == "feature")
    upper = {name: _add(flat, ("feature", name), (_FEATURE, name), []) for name in features}
    for cell in genotype.cells:
        if ("cell", cell.name) not in used:
            continue
        # What is not in `upper` is not used, so nothing in this cell reads it.
        nodes = {inner: upper[name] for inner, name in zip(INPUT_NAMES, cell.inputs, strict=False) if name in upper}
        for step in cell.steps:
            if ("step", cell.name, step.name) not in used:
                continue
            nodes[step.name] = _add(flat, ("step", cell.name, step.name), (_STEP, _what(step)), _inputs(step, nodes))
        reads = [(nodes[name], ANY) for name in cell.output]
        if genotype.dialect == "official":
            reads.append((nodes["x"], RESIDUAL))
        upper[cell.name] = _add(flat, ("cell", cell.name), (_CELL, ""), reads)
    ordered = genotype.head is None
    output = [(upper[name], position if ordered else ANY) for position, name in enumerate(genotype.output)]
    _add(flat, ("output",), (_OUTPUT, _end(genotype)), output)
    return flat


def _end(genotype: Genotype) -> str:
    # That nodes are concatenated, in one network, is what an output was before there was anything else.
    join = "" if genotype.join == "concat" else genotype.join
    return join if genotype.members == 1 else f"{join} {genotype.members}"


def _inputs(step: Step, nodes: dict[str, int]) -> list[tuple[int, int]]:
    operation = find(step.op)
    read = operation.shortest([nodes[name] for name in step.inputs])
    return [(node, ANY if operation.commutative else position) for position, node in enumerate(read)]


def _what(step: Step) -> str:
    # JSON: 1 and True, or 1 and 1.0, are equal in Python, but not the same option.
    return json.dumps([step.op, step.options], sort_keys=True) if step.options else json.dumps([step.op])


def _add(flat: FlatGraph, node: Node, label: tuple[int, str], reads: list[tuple[int, int]]) -> int:
    flat.nodes.append(node)
    flat.labels.append(label)
    flat.reads.append(reads)
    return len(flat.nodes) - 1
