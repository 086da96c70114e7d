"""What is in a drawing, before any thought of Graphviz: columns of features, cells, boxes and arrows, as plain values.

`picture.py` makes the scene of one genotype and `comparison.py` that of two; `dot.py` writes either as DOT text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Key = tuple[str, ...]
"""Which thing a box stands for: a node of `bmnas.genotype.graph`, or something that only a drawing has."""

HEAD: Key = ("head",)

Mark = Literal["plain", "unused", "kept", "added", "removed", "changed"]
Kind = Literal["feature", "input", "step", "cell", "name", "output"]
ArrowKind = Literal["upper", "inner", "residual", "backbone"]


class Line(NamedTuple):
    """One line of a label, as a person reads it; a mark of its own gives it a sign."""

    text: str
    small: bool = False
    mark: Mark | None = None
    bold: bool = False


class Box(NamedTuple):
    """A node of the drawing.

    Attributes:
        key: what it stands for.
        kind: how it is drawn.
        lines: its label.
        mark: in which of the theme's manners it is drawn.
        about: what it is, in words, for those who cannot see it; the lines of the label if empty.
        hue: the number of the modality that it is of, which has a colour of its own; ``None``: it is of none alone.
        tint: what it does, in a word that the theme has a ground for; empty: that of its kind.
    """

    key: Key
    kind: Kind
    lines: tuple[Line, ...]
    mark: Mark = "plain"
    about: str = ""
    hue: int | None = None
    tint: str = ""

    def words(self) -> str:
        """What it is, in words."""
        return self.about or ", ".join(line.text for line in self.lines)


class Column(NamedTuple):
    """The features of one modality, or what stands for several of them.

    Attributes:
        title: its name.
        rows: the features, in the order in which the backbone computes them.
        hue: its number.
        joined: whether its features are joined in their order.
    """

    title: str
    rows: tuple[Box, ...]
    hue: int | None = None
    joined: bool = True


class Frame(NamedTuple):
    """A cell.

    Attributes:
        key: the node of the cell.
        title: its name.
        inputs: what its inputs are called inside it.
        boxes: its steps and its output; empty where only the upper level is drawn.
        mark: in which manner its border and title are drawn.
        note: a small line below the name where only the upper level is drawn.
    """

    key: Key
    title: str
    inputs: tuple[Box, ...]
    boxes: tuple[Box, ...]
    mark: Mark = "plain"
    note: str = ""


@dataclass(frozen=True)
class Arrow:
    """An edge between two boxes, drawn ``count`` times.

    Attributes:
        source: where it begins.
        target: where it ends.
        kind: ``upper``: between features, cells and the output; ``inner``: inside a cell; ``residual``: from x to what
            it is added to; ``backbone``: from one feature to the next, which no one reads.
        mark: in which of the theme's manners it is drawn.
        count: how often the target reads the source.
        hue: the number of the modality whose data it carries; ``None``: of no modality alone.
    """

    source: Key
    target: Key
    kind: ArrowKind
    mark: Mark = "plain"
    count: int = 1
    hue: int | None = None


class Scene(NamedTuple):
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
