"""A genotype as a graph: what reads what, what reaches what, how deep it is, how many ways lead to the output.

Knows nothing about torch or drawing. Everything here takes time linear in the number of references of the genotype;
only `to_graph` loads networkx, which would otherwise be most of the start of a short command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from bmnas.genotype.genotype import Genotype
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Cell

if TYPE_CHECKING:
    import networkx as nx

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
    import networkx as nx

    flow = Flow(genotype)
    graph = nx.DiGraph(name=genotype.name)
    for node in flow.nodes:
        graph.add_node(node, kind=node[0])
    graph.add_edges_from(flow.edges(data=True))
    return graph


class Flow:
    """The nodes and edges of `to_graph`, by the names that networkx has for them, without the time it takes to load.

    Attributes:
        nodes: in genotype order.
    """

    def __init__(self, genotype: Genotype) -> None:
        read = reads(genotype)
        self.nodes = tuple(read)
        self._edges = tuple(_edges(genotype, read))
        self._before: dict[Node, list[Node]] = {node: [] for node in read}
        self._after = Counter(source for source, _, _ in self._edges)
        for source, target, _ in self._edges:
            self._before[target].append(source)

    def edges(self, data: Literal[True]) -> Iterator[tuple[Node, Node, dict[str, Any]]]:
        """Source, target and attributes of each edge, by source."""
        place = {node: number for number, node in enumerate(self.nodes)}
        return iter(sorted(self._edges, key=lambda edge: place[edge[0]]))

    def predecessors(self, node: Node) -> Iterator[Node]:
        """What the node reads, each once."""
        return iter(self._before[node])

    def out_degree(self, node: Node) -> int:
        """How many nodes read the node."""
        return self._after[node]


def _edges(genotype: Genotype, read: Mapping[Node, tuple[Node, ...]]) -> Iterator[tuple[Node, Node, dict[str, Any]]]:
    for target, sources in read.items():
        level = "upper" if target[0] in ("input", "output") else "inner"
        has_residual = target[0] == "cell" and genotype.dialect == "official"
        positions: dict[Node, list[int]] = {source: [] for source in sources}
        for position, source in enumerate(sources[:-1] if has_residual else sources):
            positions[source].append(position)
        for source, places in positions.items():
            yield source, target, {"level": level, "positions": tuple(places)}


def reads(genotype: Genotype) -> dict[Node, tuple[Node, ...]]:
    """What every node of `to_graph` reads, in its order and as often as it does; each node after all that it reads.

    The last that a cell of the official dialect reads is its x, which is added to its output.
    """
    upper: dict[str, Node] = {feature.name: ("feature", feature.name) for feature in genotype.features}
    found: dict[Node, tuple[Node, ...]] = dict.fromkeys(upper.values(), ())
    for cell in genotype.cells:
        for source, inner in zip(cell.inputs, INPUT_NAMES, strict=False):
            found["input", cell.name, inner] = (upper[source],)
        found.update(_reads_inside(cell))
        upper[cell.name] = ("cell", cell.name)
        if genotype.dialect == "official":
            found[upper[cell.name]] += (("input", cell.name, "x"),)
    found[OUTPUT] = tuple(upper[name] for name in genotype.output)
    return found


def used_nodes(genotype: Genotype) -> frozenset[Node]:
    """The nodes of `to_graph` from which the output can be reached, and the output itself."""
    return _behind(OUTPUT, reads(genotype))


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
    used = _behind(("cell", cell.name), _reads_inside(cell))
    return tuple(step.name for step in cell.steps if ("step", cell.name, step.name) in used)


def reaches(genotype: Genotype, source: Node, target: Node) -> bool:
    """Whether data flow from one node of `to_graph` to another. Every node reaches itself.

    Raises:
        KeyError: one of them is not a node of the genotype.
    """
    read = reads(genotype)
    for node in (source, target):
        if node not in read:
            raise KeyError(node)
    return source in _behind(target, read)


def depths(genotype: Genotype) -> dict[Node, int]:
    """How deep every node of `to_graph` is: the most steps and cells on one path to it, itself included.

    A feature is 0 deep; an input of a cell, and the output, are as deep as the deepest node that they read. A cell
    counts as one beside its steps, for what brings its output nodes together.
    """
    found: dict[Node, int] = {}
    for node, sources in reads(genotype).items():
        found[node] = max((found[source] for source in sources), default=0) + (node[0] in ("step", "cell"))
    return found


def depth(genotype: Genotype) -> int:
    """How deep the genotype is: the most steps and cells, see `depths`, on one path from a feature to the output."""
    return depths(genotype)[OUTPUT]


def path_counts(genotype: Genotype) -> dict[str, int]:
    """The number of different paths from every feature to the output, by the feature's name.

    A node that is read twice, as by ``Sum(x, x)``, is read along two edges, which make different paths. The x that the
    official dialect adds to a cell's output is read along an edge of its own. The numbers are exact: they can have
    thousands of digits, because they grow exponentially with the number of steps.
    """
    read = reads(genotype)
    counts = dict.fromkeys(read, 0)
    counts[OUTPUT] = 1
    for node in reversed(read):
        for source, times in Counter(read[node]).items():
            counts[source] += times * counts[node]
    return {feature.name: counts["feature", feature.name] for feature in genotype.features}


def _reads_inside(cell: Cell) -> dict[Node, tuple[Node, ...]]:
    """What the steps of a cell and the cell read, but for the residual."""
    inner: dict[str, Node] = {name: ("input", cell.name, name) for name in INPUT_NAMES[: len(cell.inputs)]}
    inner |= {step.name: ("step", cell.name, step.name) for step in cell.steps}
    found = {inner[step.name]: tuple(inner[name] for name in step.inputs) for step in cell.steps}
    return {**found, ("cell", cell.name): tuple(inner[name] for name in cell.output)}


def _behind(target: Node, read: Mapping[Node, Iterable[Node]]) -> frozenset[Node]:
    """The nodes that reach the target, itself included."""
    found = {target}
    waiting = [target]
    while waiting:
        new = set(read.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return frozenset(found)
