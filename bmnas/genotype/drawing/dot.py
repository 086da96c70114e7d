"""Scenes as DOT text, the language of Graphviz.

Nodes are called n0, n1, ...: no name from a genotype is ever part of an id, and all names are escaped in labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import graphviz

from bmnas.genotype.drawing.heading import heading
from bmnas.genotype.drawing.labels import label
from bmnas.genotype.drawing.scene import Scene
from bmnas.genotype.drawing.style import EDGE, FONT, GRAPH, LARGE, NODE, Theme
from bmnas.genotype.drawing.writer import Writer

_TITLE_WIDTH = 60
_BESIDE = {"pack": "24"}  # points between scenes side by side


@dataclass(frozen=True)
class Dot:
    """DOT text, and for each id in it the words that tell a reader what it is."""

    text: str
    words: dict[str, str]


def dot_of(scenes: Sequence[Scene], theme: Theme) -> Dot:
    """All scenes in one drawing: one alone, or several side by side, in rows of about equal length."""
    alone = len(scenes) == 1
    graph = graphviz.Digraph(
        "genotype",
        graph_attr={**GRAPH, "bgcolor": theme.background, "fontname": FONT, "fontsize": str(LARGE)},
        node_attr={**NODE, "fontname": FONT},
        edge_attr=EDGE,
    )
    words = {"genotype": " and ".join(scene.title for scene in scenes)}
    if alone:
        graph.attr(label=label(heading(scenes[0], theme, _TITLE_WIDTH)))
    else:
        columns = len(scenes) if len(scenes) <= 3 else math.ceil(math.sqrt(len(scenes)))
        # "i": in the order given; "c": along the rows; "t": left edges in line, told as if rankdir were not LR.
        graph.attr(packmode=f"array_tic{columns}", **_BESIDE)
        scenes = _from_the_bottom(scenes, columns)
    for scene in scenes:
        Writer(graph, scene, theme, words, alone).write()
    text: str = graph.source
    return Dot(text, words)


def _from_the_bottom(scenes: Sequence[Scene], columns: int) -> list[Scene]:
    """The scenes as Graphviz fills an array: from left to right, but from the bottom row to the top one.

    So it is the top row that may be short.
    """
    first = len(scenes) % columns or columns
    rows = [scenes[:first], *(scenes[i : i + columns] for i in range(first, len(scenes), columns))]
    return [scene for row in reversed(rows) for scene in row]
