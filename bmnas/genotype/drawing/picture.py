"""One genotype as a scene, in the manner of the paper's Figures 5 and 9.

What does not reach the output is marked as unused. Nothing is drawn that computes nothing: in the paper dialect the end
of a cell with one output node is that node, and an output in front of the head is the head.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bmnas.genotype.drawing.scene import CROWDED_ABOVE, HEAD, Arrow, Box, Column, Frame, Key, Line, Mark, Scene
from bmnas.genotype.drawing.words import (
    about_input,
    about_step,
    cell_lines,
    head_lines,
    ordered,
    output_lines,
    sizes,
    step_lines,
)
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.graph import OUTPUT, Flow, used_nodes
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Cell, Feature

Level = Literal["steps", "cells"]
Unused = Literal["show", "fold", "hide"]

FOLD_ABOVE = 12  # features; the published genotypes have at most 8, and all of them are shown


def scene_of(genotype: Genotype, level: Level, unused: Unused) -> Scene:
    """What is drawn of a genotype.

    Args:
        genotype: what to draw.
        level: ``"steps"``: all of it; ``"cells"``: the upper level alone.
        unused: what becomes of what does not reach the output; see `bmnas.genotype.drawing.draw`.
    """
    picture = _Picture(genotype, level == "cells", unused)
    return Scene(
        title=genotype.name,
        aside=sizes(genotype),
        columns=tuple(picture.columns()),
        frames=tuple(picture.frame(cell) for cell in genotype.cells if picture.shown(("cell", cell.name))),
        ends=tuple(picture.ends()),
        arrows=tuple(picture.arrows()),
        collapsed=level == "cells",
    )


def by_modality(features: Iterable[Feature]) -> dict[str, list[Feature]]:
    """The features of each modality, in the order in which they come."""
    found: dict[str, list[Feature]] = {}
    for feature in features:
        found.setdefault(feature.modality, []).append(feature)
    return found


def folded_row(modality: str, count: int, others: bool) -> Box:
    """The row that stands for features that nothing reads."""
    text = f"{count} more unused" if others else f"{count} unused"
    return Box(("folded", modality), "feature", (Line(text),), "unused", f"{count} unused features of {modality}")


def depths(genotype: Genotype) -> dict[str, int]:
    """For each cell, how many cells come before it on the longest way from a feature."""
    found: dict[str, int] = {}
    for cell in genotype.cells:
        found[cell.name] = max((found[name] + 1 for name in cell.inputs if name in found), default=0)
    return found


class _Picture:
    def __init__(self, genotype: Genotype, collapsed: bool, unused: Unused) -> None:
        self.genotype = genotype
        self.collapsed = collapsed
        self.unused = unused
        self.graph = Flow(genotype)
        self.used = used_nodes(genotype)
        self.depths = depths(genotype)
        self.stands_for = self._stand_ins()

    def shown(self, node: Key) -> bool:
        return self.unused != "hide" or node in self.used

    def columns(self) -> Iterable[Column]:
        for modality, features in by_modality(self.genotype.features).items():
            rows = [self._feature(each) for each in features if self.shown(("feature", each.name))]
            idle = [row for row in rows if not self.graph.out_degree(row.key)]
            if self.unused == "fold" and len(self.genotype.features) > FOLD_ABOVE and len(idle) > 1:
                rows = [row for row in rows if row not in idle]
                rows.append(folded_row(modality, len(idle), others=bool(rows)))
            if rows:
                yield Column(modality, tuple(rows))

    def frame(self, cell: Cell) -> Frame:
        key = ("cell", cell.name)
        inputs = [self._input(cell, number) for number in range(len(cell.inputs))]
        steps = [
            Box(
                ("step", cell.name, step.name),
                "step",
                (Line(step.name, small=True), *step_lines(step, ordered(step))),
                self._mark(("step", cell.name, step.name)),
                about_step(cell, step),
            )
            for step in cell.steps
        ]
        if key not in self.stands_for:
            lines = cell_lines(cell, self.genotype.dialect)
            steps.append(Box(key, "cell", lines, self._mark(key), f"output of {cell.name}"))
        count = len(cell.steps)
        return Frame(
            key,
            cell.name,
            inputs=tuple(box for box in inputs if self.shown(box.key)),
            boxes=() if self.collapsed else tuple(box for box in steps if self.shown(box.key)),
            mark=self._mark(key),
            depth=self.depths[cell.name],
            note=f"{count} step{'' if count == 1 else 's'}",
        )

    def ends(self) -> Iterable[Box]:
        if OUTPUT not in self.stands_for:
            yield Box(OUTPUT, "output", output_lines(self.genotype), about=f"output of {self.genotype.name}")
        if head := head_lines(self.genotype):
            yield Box(HEAD, "output", head)

    def arrows(self) -> Iterable[Arrow]:
        """What is read, once for each time; not the residual edge from x to its cell, which the cell's label tells."""
        for source, target, edge in self.graph.edges(data=True):
            upper = edge["level"] == "upper"
            count = len(edge["positions"])
            # A node that stands for its cell is not read by it.
            if not count or self.stands_for.get(target) == source or (self.collapsed and not upper):
                continue
            if self.shown(source) and self.shown(target):
                used = source in self.used and target in self.used
                ends = self.stands_for.get(source) or source, self.stands_for.get(target) or target
                yield Arrow(*ends, upper, "plain" if used else "unused", count)
        if head_lines(self.genotype) and OUTPUT not in self.stands_for:
            yield Arrow(OUTPUT, HEAD, upper=True)

    def _feature(self, feature: Feature) -> Box:
        node = ("feature", feature.name)
        words = f"feature {feature.name} of {feature.modality}"
        return Box(node, "feature", (Line(feature.name),), self._mark(node), words)

    def _input(self, cell: Cell, number: int) -> Box:
        node = ("input", cell.name, INPUT_NAMES[number])
        lines = [Line(INPUT_NAMES[number])]
        if len(self.genotype.cells) > CROWDED_ABOVE:
            lines.append(Line(cell.inputs[number], small=True))
        return Box(node, "input", tuple(lines), self._mark(node), about_input(cell, number))

    def _mark(self, node: Key) -> Mark:
        return "plain" if node in self.used else "unused"

    def _stand_ins(self) -> dict[Key, Key]:
        """Nodes of the graph that compute nothing, and what is drawn in their place."""
        found: dict[Key, Key] = {}
        if self.genotype.dialect != "paper":
            return found
        if head_lines(self.genotype) and len(self.genotype.output) == 1:
            found[OUTPUT] = HEAD
        if not self.collapsed:
            for cell in self.genotype.cells:
                if len(cell.output) == 1:
                    (source,) = self.graph.predecessors(("cell", cell.name))
                    found["cell", cell.name] = source
        return found
