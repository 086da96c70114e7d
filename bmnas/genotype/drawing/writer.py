"""One scene as part of a DOT graph."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from bmnas.genotype.drawing.heading import border, heading, outline, signed
from bmnas.genotype.drawing.labels import label, lines, sized
from bmnas.genotype.drawing.scene import Arrow, Box, Column, Frame, Key, Line, Mark, Scene
from bmnas.genotype.drawing.style import DASH, LARGE, NORMAL, SMALL, WEIGHT, WIDTH, Paint, Theme

# Of the inputs of cells whose order is kept. Graphviz counts a crossing that it should avoid as 10**6, in 32 bits.
_MOST_ORDERED = 60


class Writer:
    """Writes one scene into a graph, with its title if it is not alone there."""

    def __init__(self, graph: Any, scene: Scene, theme: Theme, words: dict[str, str], alone: bool) -> None:
        self.graph, self.scene, self.theme, self.words, self.alone = graph, scene, theme, words, alone
        self.ids: dict[Key, str] = {}
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
        # One table for each modality, not a cluster of nodes: Graphviz would shuffle the features of a cluster.
        with self.graph.subgraph() as rank:
            rank.attr(rank="same")
            above = ""
            if not self.alone:
                above = self._new_id(self.scene.title)
                rank.node(above, label(heading(self.scene, self.theme, WIDTH)), shape="plain")
            for column in self.scene.columns:
                table = self._new_id(column.title)
                rank.node(table, label(self._table(table, column)), shape="plain", fontsize=str(LARGE))
                if above:
                    rank.edge(above, table, style="invis")  # keeps them in order
                above = table
            self.left = above

    def _table(self, table: str, column: Column) -> str:
        title = sized(lines(column.title, WIDTH), LARGE, self.theme.paints["plain"].text)
        rows = f'<tr><td border="0">{title}</td></tr>'
        for row in column.rows:
            port = self._new_id(row.words())
            self.ids[row.key] = f"{table}:{port}:e"
            paint, line = self._paint(row), outline(row.mark)
            color = self.theme.upper if row.mark == "plain" else paint.line
            rows += (
                f'<tr><td port="{port}" border="{border(row.mark)}" cellpadding="5" bgcolor="{self._ground(row)}" '
                f'style="{line}" color="{color}">{self._markup(row.lines, paint)}</td></tr>'
            )
        return (
            f'<table border="0" cellborder="1" cellspacing="6" cellpadding="1" style="rounded" '
            f'bgcolor="{self.theme.column}">{rows}</table>'
        )

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
            with box.subgraph() as rank:
                rank.attr(rank="same")
                for node in reversed(frame.inputs):
                    self._node(rank, node)
            steps = [each for each in frame.boxes if each.kind == "step"]
            for node in [*reversed(steps), *(each for each in frame.boxes if each.kind != "step")]:
                self._node(box, node)
            for arrow in self.scene.arrows:
                if not arrow.upper and arrow.target in inner:
                    self._arrow(box, arrow)

    def _collapsed(self, frame: Frame) -> None:
        paint = self.theme.paints[frame.mark]
        node = self.ids[frame.key] = self._new_id(frame.title)
        ports = []
        for each in frame.inputs:
            port = self._new_id(each.words())
            self.ids[each.key] = f"{node}:{port}:w"
            ports.append(f'<td port="{port}">{self._markup(each.lines, self._paint(each))}</td>')
        title = self._markup((Line(frame.title, mark=frame.mark), Line(frame.note, small=True)), paint)
        middle = f'<td rowspan="{max(1, len(ports))}" cellpadding="6">{title}</td>'
        first, *others = ports or [""]
        rows = f"<tr>{first}{middle}</tr>" + "".join(f"<tr>{each}</tr>" for each in others)
        table = (
            f'<table border="1" cellborder="0" cellspacing="0" cellpadding="3" style="{outline(frame.mark)}" '
            f'color="{paint.line}" bgcolor="{paint.ground or self.theme.grounds["step"]}">{rows}</table>'
        )
        self.graph.node(node, label(table), shape="plain")

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
        """Keep the cells that read features alone, and their inputs, in order: Graphviz has no attribute for that.

        Beside the modalities stands one invisible point for each such input, and the points are in order. Graphviz
        avoids nothing more than that edges cross each of which joins two nodes of one group, so the inputs stand in
        the order of the points.
        """
        inputs = [self.ids[box.key] for frame in self.scene.frames if frame.depth == 0 for box in frame.inputs]
        if len(inputs) > _MOST_ORDERED:
            return
        points: list[str] = []
        with self.graph.subgraph() as rank:
            rank.attr(rank="same")
            rank.node(self.left)
            for _ in inputs:
                points.append(self._new_id(""))
                rank.node(points[-1], "", shape="point", style="invis", width="0.01", height="0.01", group=points[-1])
            for above, below in pairwise(points):
                rank.edge(above, below, style="invis")
        for point, node in zip(points, inputs, strict=True):
            self.graph.node(node, group=point)
            self.graph.edge(point, node, style="invis", weight="0")

    def _node(self, into: Any, box: Box) -> None:
        paint = self._paint(box)
        self.ids[box.key] = node = self._new_id(box.words())
        circle = {"shape": "circle", "margin": "0", "width": "0.27", "height": "0.27"}
        shape = circle if box.kind == "input" and len(box.lines) == 1 else {}
        into.node(
            node,
            label(self._markup(box.lines, paint)),
            style=f"filled,{outline(box.mark)}",
            color=paint.line,
            fillcolor=self._ground(box),
            fontcolor=paint.text,
            penwidth=_width(1, box.mark),
            **shape,
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
                self.ids[arrow.source],
                self.ids[arrow.target],
                id=name,
                color=line,
                penwidth=_width(1.3 if arrow.upper else 1, arrow.mark),
                style=DASH.get(arrow.mark, "solid"),
                **heavy,
            )

    def _markup(self, text: Iterable[Line], paint: Paint) -> str:
        """The lines of a label as markup."""
        found = []
        for line in text:
            size, color = (SMALL, paint.small) if line.small else (NORMAL, paint.text)
            markup = (signed(line.mark) if line.mark else "") + lines(line.text, WIDTH)
            found.append(sized(markup, size, color))
        return "<br/>".join(found)

    def _paint(self, box: Box) -> Paint:
        return self.theme.paints[box.mark]

    def _ground(self, box: Box) -> str:
        return self._paint(box).ground or self.theme.grounds[box.kind]

    def _new_id(self, words: str) -> str:
        new = f"n{len(self.words)}"
        self.words[new] = words
        return new


def _name(key: Key) -> str:
    """``Video_3``, ``x of Cell_1``, ``Cell_1``, ``output``."""
    return f"{key[2]} of {key[1]}" if len(key) > 2 else key[-1]


def _width(plain: float, mark: Mark) -> str:
    return f"{plain * WEIGHT.get(mark, 1):g}"
