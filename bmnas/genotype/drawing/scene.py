"""What is in a drawing, before any thought of Graphviz: columns of features, cells, boxes and arrows, as plain values.

`picture.py` makes the scene of one genotype and `comparison.py` that of two; `dot.py` writes either as DOT text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Key = tuple[str, ...]
"""Which thing a box stands for: a node of `bmnas.genotype.graph`, or something that only a drawing has."""

CROWDED_ABOVE = 4  # cells; with more of them the inputs of cells say what they are, as arrows are hard to follow

HEAD: Key = ("head",)

Mark = Literal["plain", "unused", "kept", "added", "removed", "changed"]
Kind = Literal["feature", "input", "step", "cell", "output"]


@dataclass(frozen=True)
class Line:
    """One line of a label, as a person reads it; a mark of its own gives it a sign."""

    text: str
    small: bool = False
    mark: Mark | None = None


@dataclass(frozen=True)
class Box:
    """A node of the drawing.

    Attributes:
        key: what it stands for.
        kind: how it is drawn.
        lines: its label.
        mark: in which of the theme's manners it is drawn.
        about: what it is, in words, for those who cannot see it; the lines of the label if empty.
    """

    key: Key
    kind: Kind
    lines: tuple[Line, ...]
    mark: Mark = "plain"
    about: str = ""

    def words(self) -> str:
        """What it is, in words."""
        return self.about or ", ".join(line.text for line in self.lines)


@dataclass(frozen=True)
class Column:
    """The features of one modality, or what stands for several of them."""

    title: str
    rows: tuple[Box, ...]


@dataclass(frozen=True)
class Frame:
    """A cell.

    Attributes:
        key: the node of the cell.
        title: its name.
        inputs: what its inputs are called inside it.
        boxes: its steps and its output; empty where only the upper level is drawn.
        mark: in which manner its border and title are drawn.
        depth: how many cells come before it on the longest way from a feature.
        note: a small line below the name where only the upper level is drawn.
    """

    key: Key
    title: str
    inputs: tuple[Box, ...]
    boxes: tuple[Box, ...]
    mark: Mark = "plain"
    depth: int = 0
    note: str = ""


@dataclass(frozen=True)
class Arrow:
    """An edge between two boxes, drawn ``count`` times."""

    source: Key
    target: Key
    upper: bool
    mark: Mark = "plain"
    count: int = 1


@dataclass(frozen=True)
class Scene:
    """All that is drawn of one genotype, or of two that are compared.

    Attributes:
        title: above it.
        aside: small, behind the title.
        columns: the modalities, from top to bottom.
        frames: the cells, in their order.
        ends: the output and the head.
        arrows: between any of the boxes.
        notes: small lines below the title.
        legend: what the marks mean; empty where none needs to be told.
        collapsed: whether a cell is one box, because only the upper level is drawn.
    """

    title: str
    aside: str
    columns: tuple[Column, ...]
    frames: tuple[Frame, ...]
    ends: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    notes: tuple[str, ...] = ()
    legend: tuple[tuple[Mark, str], ...] = ()
    collapsed: bool = False
