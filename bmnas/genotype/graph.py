"""A genotype as a networkx graph, and what of it reaches the output. Knows nothing about torch or drawing."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Cell, Genotype

Node = tuple[str, ...]

OUTPUT: Node = ("output",)


def to_graph(genotype: Genotype) -> nx.DiGraph:
    """The genotype as a directed acyclic graph, along the flow of the data.

    The nodes, in genotype order; the first part of an id is also the node attribute ``kind``:

    - ``("feature", feature)``;
    - ``("input", cell, "x")``, ``("input", cell, "y")``, ...: the inputs of a cell, as its steps call them;
    - ``("step", cell, step)``;
    - ``("cell", cell)``: where the output nodes of a cell come together, and what later cells and the output read;
    - ``("output",)``: where the output of the genotype comes together.

    The edge attribute ``level`` is ``"inner"`` for an edge inside a cell, and ``"upper"`` for one between features,
    cells and the output. The edge attribute ``positions`` says as which of its inputs the target reads the source,
    counted from 0; a step may read one node twice. It is empty for the residual edge from x to its cell, which the
    official dialect adds to the cell's output.
    """
    graph = nx.DiGraph(name=genotype.name)
    _add(graph, (("feature", feature.name) for feature in genotype.features))
    for cell in genotype.cells:
        _add(graph, _nodes_of(cell))
    _add(graph, [OUTPUT])

    upper = {feature.name: ("feature", feature.name) for feature in genotype.features}
    upper |= {cell.name: ("cell", cell.name) for cell in genotype.cells}
    for cell in genotype.cells:
        for source, inner in zip(cell.inputs, INPUT_NAMES, strict=False):
            _connect(graph, [upper[source]], ("input", cell.name, inner), "upper")
        _connect_inside(graph, cell)
        if genotype.dialect == "official" and not graph.has_edge(("input", cell.name, "x"), ("cell", cell.name)):
            graph.add_edge(("input", cell.name, "x"), ("cell", cell.name), level="inner", positions=())
    _connect(graph, [upper[name] for name in genotype.output], OUTPUT, "upper")
    return graph


def used_nodes(genotype: Genotype) -> frozenset[Node]:
    """The nodes of `to_graph` from which the output can be reached, and the output itself."""
    return frozenset(nx.ancestors(to_graph(genotype), OUTPUT)) | {OUTPUT}


def used_features(genotype: Genotype) -> tuple[str, ...]:
    """The names of the features that reach the output, in genotype order.

    A feature that a cell names, but of which nothing in that cell reads anything, does not reach the output.
    """
    used = used_nodes(genotype)
    return tuple(feature.name for feature in genotype.features if ("feature", feature.name) in used)


def used_cells(genotype: Genotype) -> tuple[str, ...]:
    """The names of the cells that reach the output, in genotype order."""
    used = used_nodes(genotype)
    return tuple(cell.name for cell in genotype.cells if ("cell", cell.name) in used)


def used_steps(cell: Cell) -> tuple[str, ...]:
    """The names of the steps of a cell that reach the output of the cell, in its order."""
    graph = nx.DiGraph()
    _add(graph, _nodes_of(cell))
    _connect_inside(graph, cell)
    used = nx.ancestors(graph, ("cell", cell.name))
    return tuple(step.name for step in cell.steps if ("step", cell.name, step.name) in used)


def _nodes_of(cell: Cell) -> Iterator[Node]:
    for inner in INPUT_NAMES[: len(cell.inputs)]:
        yield "input", cell.name, inner
    for step in cell.steps:
        yield "step", cell.name, step.name
    yield "cell", cell.name


def _connect_inside(graph: nx.DiGraph, cell: Cell) -> None:
    inner: dict[str, Node] = {node[2]: node for node in _nodes_of(cell) if len(node) == 3}
    for step in cell.steps:
        _connect(graph, [inner[name] for name in step.inputs], inner[step.name], "inner")
    _connect(graph, [inner[name] for name in cell.output], ("cell", cell.name), "inner")


def _add(graph: nx.DiGraph, nodes: Iterator[Node] | list[Node]) -> None:
    for node in nodes:
        graph.add_node(node, kind=node[0])


def _connect(graph: nx.DiGraph, sources: list[Node], target: Node, level: str) -> None:
    positions: dict[Node, list[int]] = {}
    for position, source in enumerate(sources):
        positions.setdefault(source, []).append(position)
    for source, places in positions.items():
        graph.add_edge(source, target, level=level, positions=tuple(places))
