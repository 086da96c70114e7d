"""One scene as part of a DOT graph."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from bmnas.genotype.drawing import tables
from bmnas.genotype.drawing.heading import heading, outline, signed
from bmnas.genotype.drawing.labels import label, lines
from bmnas.genotype.drawing.scene import Arrow, Box, Frame, Key, Mark, Scene
from bmnas.genotype.drawing.style import DASH, LARGE, WEIGHT, WIDTH, Theme

# Of the inputs of cells whose order is kept. Graphviz counts a crossing that it should avoid as 10**6, in 32 bits.
_MOST_ORDERED = 60


class Writer:
    """Writes one scene into a graph, with its title if it is not alone there."""

    def __init__(self, graph: Any, scene: Scene, theme: Theme, words: dict[str, str], alone: bool) -> None:
        self.graph, self.scene, self.theme, self.words, self.alone = graph, scene, theme, words, alone
        self.ids: dict[Key, str] = {}
        self.inputs: dict[Key, str] = {}  # by cell, the node with its inputs
        self.left = ""  # a node of the leftmost column
        self.clusters = sum(name.startswith("cluster_") for name in words)

    def write(self) -> None:
        """Add all of the scene to the graph."""
        self._columns()
        if self.scene.collapsed:
            for frame in self.scene.frames:
                self._collapsed(frame)
            self._order_collapsed()
        else:
            # Graphviz stacks what comes first at the bottom, so what shares a column is given from the last to the
            # first.
            for number, frame in reversed(list(enumerate(self.scene.frames, self.clusters))):
                self._cluster(frame, number)
            self._order_clusters()
        for end in self.scene.ends:
            self._node(self.graph, end)
        for arrow in self.scene.arrows:
            if arrow.upper:
                self._arrow(self.graph, arrow)

    def _columns(self) -> None:
        with self.graph.subgraph() as rank:
            rank.attr(rank="same")
            above = ""
            if not self.alone:
                above = self._new_id(self.scene.title)
                rank.node(above, label(heading(self.scene, self.theme, WIDTH)), shape="plain")
            for column in self.scene.columns:
                table = self._new_id(column.title)
                markup = tables.modality(column.title, self._ports(table, column.rows), self.theme)
                rank.node(table, label(markup), shape="plain", fontsize=str(LARGE))
                if above:
                    rank.edge(above, table, style="invis")  # keeps them in order
                above = table
            self.left = above

    def _cluster(self, frame: Frame, number: int) -> None:
        paint = self.theme.paints[frame.mark]
        name = f"cluster_{number}"
        self.words[name] = frame.title
        with self.graph.subgraph(name=name) as box:
            box.attr(
                label=label(signed(frame.mark) + lines(frame.title, 2 * WIDTH)),
                labeljust="c",
                style=outline(frame.mark),
                color=paint.line,
                fontcolor=paint.text,
                penwidth=_width(1, frame.mark),
            )
            inner = {each.key for each in (*frame.inputs, *frame.boxes)}
            if frame.inputs:
                node = self._new_id(f"inputs of {frame.title}")
                self.inputs[frame.key] = node
                box.node(node, label(tables.inputs(self._ports(node, frame.inputs), self.theme)), shape="plain")
            steps = [each for each in frame.boxes if each.kind == "step"]
            for each in [*reversed(steps), *(end for end in frame.boxes if end.kind != "step")]:
                self._node(box, each)
            for arrow in self.scene.arrows:
                if not arrow.upper and arrow.target in inner:
                    self._arrow(box, arrow)

    def _collapsed(self, frame: Frame) -> None:
        node = self.ids[frame.key] = self._new_id(frame.title)
        rows = self._ports(node, frame.inputs)
        self.graph.node(node, label(tables.whole_cell(frame, rows, self.theme)), shape="plain")

    def _order_collapsed(self) -> None:
        """Cells of one depth stand in one column, in their order."""
        by_depth: dict[int, list[str]] = {}
        for frame in self.scene.frames:
            by_depth.setdefault(frame.depth, []).append(self.ids[frame.key])
        for nodes in by_depth.values():
            with self.graph.subgraph() as rank:
                rank.attr(rank="same")
                for above, below in pairwise(nodes):
                    rank.edge(above, below, style="invis")

    def _order_clusters(self) -> None:
        """Keep the cells that read features alone in order: Graphviz has no attribute for that.

        Beside the modalities stands one invisible point for each of their inputs, and the points are in order.
        Graphviz avoids nothing more than that edges cross each of which joins two nodes of one group, so the cells
        stand in the order of the points. One point for each cell is too few: Graphviz first places a node at the
        median of its edges.
        """
        first = [frame for frame in self.scene.frames if frame.depth == 0]
        inputs = [(self.inputs[frame.key], self.ids[box.key]) for frame in first for box in frame.inputs]
        if len(inputs) > _MOST_ORDERED:
            return
        points: list[str] = []
        with self.graph.subgraph() as rank:
            rank.attr(rank="same")
            rank.node(self.left)
            for group, _ in inputs:
                points.append(self._new_id(""))
                rank.node(points[-1], "", shape="point", style="invis", width="0.01", height="0.01", group=group)
            for above, below in pairwise(points):
                rank.edge(above, below, style="invis")
        for point, (group, port) in zip(points, inputs, strict=True):
            self.graph.node(group, group=group)
            self.graph.edge(point, _side(port, "w"), style="invis", weight="0")

    def _node(self, into: Any, box: Box) -> None:
        paint = self.theme.paints[box.mark]
        self.ids[box.key] = node = self._new_id(box.words())
        into.node(
            node,
            label(tables.markup(box.lines, paint)),
            style=f"filled,{outline(box.mark)}",
            color=paint.line,
            fillcolor=tables.ground(box, self.theme),
            fontcolor=paint.text,
            penwidth=_width(1, box.mark),
        )

    def _arrow(self, into: Any, arrow: Arrow) -> None:
        line = self.theme.paints[arrow.mark].line
        if arrow.mark == "plain" and arrow.upper:
            line = self.theme.upper
        # Else Graphviz puts a cell beside one that it reads, if its other inputs are features.
        heavy = {"weight": "20"} if arrow.source[0] != "feature" and arrow.target[0] == "input" else {}
        for _ in range(arrow.count):
            name = f"e{len(self.words)}"
            self.words[name] = f"{_name(arrow.source)} → {_name(arrow.target)}"
            into.edge(
                _side(self.ids[arrow.source], "e"),
                _side(self.ids[arrow.target], "w"),
                id=name,
                color=line,
                penwidth=_width(1.3 if arrow.upper else 1, arrow.mark),
                style=DASH.get(arrow.mark, "solid"),
                **heavy,
            )

    def _ports(self, node: str, boxes: Iterable[Box]) -> tables.Rows:
        """The boxes as rows of that node, each with a port of its own."""
        rows = [(self._new_id(box.words()), box) for box in boxes]
        for port, box in rows:
            self.ids[box.key] = f"{node}:{port}"
        return rows

    def _new_id(self, words: str) -> str:
        new = f"n{len(self.words)}"
        self.words[new] = words
        return new


def _name(key: Key) -> str:
    """``Video_3``, ``x of Cell_1``, ``Cell_1``, ``output``."""
    last = key[-1]
    return f"{last} of {key[1]}" if len(key) > 2 else last


def _side(node: str, side: str) -> str:
    """Where an arrow meets a node: at a side if at a port."""
    return f"{node}:{side}" if ":" in node else node


def _width(plain: float, mark: Mark) -> str:
    return f"{plain * WEIGHT.get(mark, 1):g}"
