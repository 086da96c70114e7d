"""Draw a genotype in the manner of the paper's Figures 5 and 9. Reads the graph of `graph.py`; knows nothing of torch.

Each modality is a column of its features, each cell a box with its inputs, steps and output. Blue edges are the upper
level, dark ones the lower level; what does not reach the output is grey and dashed. The first input of a step whose
operation tells its inputs apart is the first in the brackets under the operation.
"""

from __future__ import annotations

import html
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import graphviz
import networkx as nx

from bmnas.genotype.errors import BmnasError, did_you_mean
from bmnas.genotype.files import write_atomically
from bmnas.genotype.graph import OUTPUT, Node, to_graph, used_nodes
from bmnas.genotype.operations import INPUT_NAMES, OPERATIONS
from bmnas.genotype.schema import Cell, Feature, Genotype

SUFFIXES = (".svg", ".pdf", ".png", ".dot")

# Blue, dark grey and the fills differ in lightness too, so the picture also reads in grey and for colour-blind people.
_BLUE, _DARK = "#0072B2", "#404040"
_MODALITY, _STEP, _REDUCTION = "#E4EDF5", "#FDF0D5", "#E6E6E6"
_UNUSED, _UNUSED_TEXT = "#B0B0B0", "#757575"

_FONT = "Helvetica,Arial,sans-serif"
_GRAPH = {"charset": "UTF-8", "rankdir": "LR", "nodesep": "0.2", "ranksep": "0.35", "labelloc": "t", "labeljust": "l"}
_NODE = {"shape": "box", "style": "filled,rounded", "fontsize": "11", "color": _DARK, "fillcolor": "white",
         "height": "0.3", "width": "0.3", "margin": "0.1,0.05"}  # fmt: skip
_PNG_DPI = "144"

_rendering = threading.Lock()


def to_dot(genotype: Genotype) -> str:
    """The picture as DOT text, the language of Graphviz."""
    source: str = _Picture(genotype).dot.source
    return source


def draw(genotype: Genotype, path: str | os.PathLike[str]) -> None:
    """Draw a genotype into a file, replacing an existing one in one step; the suffix of the path says the format.

    Raises:
        BmnasError: the suffix is not one of .svg, .pdf, .png and .dot, no Graphviz is installed (.dot needs none), or
            the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        found = f"the suffix {path.suffix!r}, which is not" if path.suffix else "no suffix, which would say"
        raise BmnasError(f"{path}: has {found} a format of drawings{did_you_mean(suffix, SUFFIXES)}")
    dot = _Picture(genotype).dot
    if suffix == ".png":
        dot.attr(dpi=_PNG_DPI)
    write_atomically(path, dot.source if suffix == ".dot" else _rendered(dot.source, path))


class _Picture:
    """The DOT graph of a genotype. Nodes are called n0, n1, ...: no name from a genotype is ever part of an id."""

    def __init__(self, genotype: Genotype) -> None:
        self.genotype = genotype
        self.graph: nx.DiGraph = to_graph(genotype)
        self.used = used_nodes(genotype)
        self.ids = {node: f"n{i}" for i, node in enumerate(self.graph)}
        self.dot = graphviz.Digraph(
            "genotype",
            graph_attr={**_GRAPH, "fontname": _FONT, "fontsize": "12", "label": _label(_text(genotype.name))},
            node_attr={**_NODE, "fontname": _FONT},
            edge_attr={"arrowsize": "0.6"},
        )
        self._modalities()
        # Graphviz stacks what comes first at the bottom, so what shares a column is given from the last to the first.
        for number, cell in reversed(list(enumerate(genotype.cells))):
            self._cell(number, cell)
        self._output()
        for source, target, edge in self.graph.edges(data=True):
            if edge["level"] == "upper":
                self._edges(self.dot, source, target)

    def _modalities(self) -> None:
        # One table for each modality, not a cluster of nodes: Graphviz would shuffle the features of a cluster.
        by_modality: dict[str, list[Feature]] = {}
        for feature in self.genotype.features:
            by_modality.setdefault(feature.modality, []).append(feature)
        with self.dot.subgraph() as column:
            column.attr(rank="same")
            for number, (modality, features) in enumerate(by_modality.items()):
                rows = f'<tr><td border="0">{_text(modality)}</td></tr>'
                for feature in features:
                    node = ("feature", feature.name)
                    rows += self._feature_row(node, feature.name)
                    self.ids[node] = f"m{number}:{self.ids[node]}:e"
                label = (
                    f'<table border="0" cellborder="1" cellspacing="6" cellpadding="1" style="rounded" '
                    f'bgcolor="{_MODALITY}">{rows}</table>'
                )
                column.node(f"m{number}", _label(label), shape="plain", style="", fontsize="12")
                if number:
                    column.edge(f"m{number - 1}", f"m{number}", style="invis")  # keeps them in order

    def _feature_row(self, node: Node, name: str) -> str:
        used = node in self.used
        style, color = ("rounded", _BLUE) if used else ("rounded,dashed", _UNUSED)
        return (
            f'<tr><td port="{self.ids[node]}" cellpadding="5" bgcolor="white" style="{style}" color="{color}">'
            f"{_sized(_text(name), 11, 'black' if used else _UNUSED_TEXT)}</td></tr>"
        )

    def _cell(self, number: int, cell: Cell) -> None:
        used = ("cell", cell.name) in self.used
        color, text = (_DARK, "black") if used else (_UNUSED, _UNUSED_TEXT)
        with self.dot.subgraph(name=f"cluster_{number}") as box:
            box.attr(label=_label(_text(cell.name)), labeljust="c", style="rounded", color=color, fontcolor=text)
            inner: list[Node] = []
            for name in reversed(INPUT_NAMES[: len(cell.inputs)]):
                node: Node = ("input", cell.name, name)
                self._node(box, node, name, "white", shape="circle", margin="0", width="0.27", height="0.27")
            for step in reversed(cell.steps):
                node = ("step", cell.name, step.name)
                inner.append(node)
                ordered = not OPERATIONS[step.op].commutative
                below = f"({', '.join(map(_text, step.inputs))})" if ordered else ""
                self._node(box, node, self._lines(node, _text(step.name), step.op, below), _STEP)
            node = ("cell", cell.name)
            together = "Concat + FC" if len(cell.output) > 1 else "Output"
            residual = "+ x, layer norm" if self.genotype.dialect == "official" else ""
            self._node(box, node, self._lines(node, "", together, residual), _REDUCTION)
            for target in [*inner, node]:
                for source in self.graph.predecessors(target):
                    self._edges(box, source, target)

    def _output(self) -> None:
        self._node(self.dot, OUTPUT, "Concat" if len(self.genotype.output) > 1 else "Output", _REDUCTION)
        if self.genotype.head:
            self.dot.node("head", f"Linear → {self.genotype.head.outputs}", fillcolor=_REDUCTION)
            self.dot.edge(self.ids[OUTPUT], "head", color=_BLUE, penwidth="1.3")

    def _node(self, into: Any, node: Node, label: str, fill: str, **more: str) -> None:
        if node not in self.used:
            fill = "white"
            more |= {"style": "filled,rounded,dashed", "color": _UNUSED, "fontcolor": _UNUSED_TEXT}
        into.node(self.ids[node], label, fillcolor=fill, **more)

    def _edges(self, into: Any, source: Node, target: Node) -> None:
        """One edge for each time that the target reads the source; none for a residual edge, which the label tells."""
        edge = self.graph.edges[source, target]
        upper = edge["level"] == "upper"
        color = (_BLUE if upper else _DARK) if source in self.used and target in self.used else _UNUSED
        for _ in edge["positions"]:
            into.edge(self.ids[source], self.ids[target], color=color, penwidth="1.3" if upper else "1")

    def _lines(self, node: Node, above: str, middle: str, below: str) -> str:
        color = "#505050" if node in self.used else _UNUSED_TEXT
        lines = [_sized(above, 9, color), middle, _sized(below, 9, color)]
        return _label("<br/>".join(line for line in lines if line))


def _text(name: str) -> str:
    r"""A name as text of an HTML-like label, where Graphviz replaces \N, \G, ... unless the backslash is doubled."""
    return html.escape(name).replace("\\", "\\\\")


def _sized(text: str, points: int, color: str) -> str:
    return f'<font point-size="{points}" color="{color}">{text}</font>' if text else ""


def _label(inside: str) -> str:
    return f"<{inside}>"


def _rendered(dot: str, path: Path) -> bytes:
    """The picture of DOT text, in the format that the path's suffix names."""
    picture: bytes
    try:
        try:
            import pygraphviz
        except ImportError:
            picture = graphviz.Source(dot).pipe(format=path.suffix.lower()[1:], engine="dot", quiet=True)
        else:
            with _silenced_stderr():
                picture = pygraphviz.AGraph(string=dot).draw(format=path.suffix.lower()[1:], prog="dot")
    except graphviz.ExecutableNotFound:
        raise BmnasError(
            f"{path}: cannot be drawn without Graphviz; install pygraphviz (pip install pygraphviz) or the program "
            "dot, or write the text of the drawing with -o file.dot, which needs neither"
        ) from None
    except (ValueError, CalledProcessError) as error:
        raise BmnasError(f"{path}: the installed Graphviz cannot draw it as {path.suffix.lower()[1:]}") from error
    return picture


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Send what C code writes on stderr to nowhere: Fontconfig's warnings about files of the machine help no user."""
    # One at a time: two threads that save and restore the descriptor by turns would leave it silenced for good.
    with _rendering:
        try:
            saved = os.dup(2)
        except OSError:  # the process runs without stderr
            yield
            return
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
