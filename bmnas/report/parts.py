"""What a page is made of, as values; the template says how each looks. Text is text: the template escapes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True)
class Note:
    """A paragraph that explains how what stands above is read."""

    text: str
    kind: str = "note"


@dataclass(frozen=True)
class Listing:
    """Sentences, one below the other."""

    items: tuple[str, ...]
    kind: str = "listing"


@dataclass(frozen=True)
class Code:
    """A command that can be copied."""

    text: str
    label: str
    kind: str = "code"


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what stands in it.
        strength: from 0 to 1, how strong its ground is; ``None`` for none.
        link: the id of a place on the page that it leads to.
        strong: whether it is the one that counts.
    """

    text: str
    strength: float | None = None
    link: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table, whose first column has the names of its rows.

    Attributes:
        id: of its caption, on the page.
        caption: what it is of.
        headings: of its columns.
        rows: texts, or cells.
        words: the columns that have words, which stand at the left; the others have numbers.
    """

    id: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: frozenset[int] = frozenset({0})
    kind: str = "table"

    @classmethod
    def of(
        cls,
        id: str,
        caption: str,
        headings: Sequence[str],
        rows: Sequence[Sequence[str | Cell]],
        words: Sequence[int] = (),
    ) -> Table:
        """Of texts and cells."""
        cells = tuple(tuple(each if isinstance(each, Cell) else Cell(each) for each in row) for row in rows)
        return cls(id, caption, tuple(headings), cells, frozenset({0, *words}))


@dataclass(frozen=True)
class Figure:
    """A chart with what its lines and marks are.

    Attributes:
        drawing: SVG, in which everything is escaped.
        caption: what it shows.
        legend: of each series, the number of its look and its name.
    """

    drawing: Markup
    caption: str
    legend: tuple[tuple[int, str], ...] = ()
    kind: str = "figure"


@dataclass(frozen=True)
class Picture:
    """A drawing of a genotype, for a light page and for a dark one.

    Attributes:
        light: SVG.
        dark: SVG.
        words: what it shows.
        caption: what it is.
    """

    light: Markup
    dark: Markup
    words: str
    caption: str
    kind: str = "picture"


@dataclass(frozen=True)
class Grid:
    """Figures beside each other where there is room."""

    parts: tuple[Figure, ...]
    kind: str = "grid"


@dataclass(frozen=True)
class Folded:
    """Parts below a line that opens and closes them."""

    title: str
    parts: tuple[Part, ...]
    is_open: bool = False
    kind: str = "folded"


Part = Paragraph | Note | Listing | Code | Table | Figure | Picture | Grid | Folded


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it.

    Attributes:
        id: on the page.
        title: the heading.
        parts: what stands below.
        sections: and further below, with smaller headings.
    """

    id: str
    title: str
    parts: tuple[Part, ...] = ()
    sections: tuple[Section, ...] = field(default=())
