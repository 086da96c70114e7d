"""Results as HTML, for notebooks: every name and number in it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bmnas.genotype import Genotype


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> str:
    """A table, the first column of which has names and the others numbers."""
    caption = f'<caption style="text-align: left">{escape(title)}</caption>' if title else ""
    head = "".join(_cell("th", i, text) for i, text in enumerate(headings))
    body = "".join(f"<tr>{''.join(_cell('td', i, text) for i, text in enumerate(row))}</tr>" for row in rows)
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def paragraphs(sentences: Iterable[str]) -> str:
    """A paragraph for each."""
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def picture(genotype: Genotype) -> str:
    """The drawing of a genotype; nothing where it cannot be drawn."""
    svg = genotype._repr_svg_() or ""
    # Without what stands before it in a file: a page has its own.
    return svg[svg.find("<svg") :] if "<svg" in svg else ""


def _cell(tag: str, column: int, text: object) -> str:
    align = "right" if column else "left"
    return f'<{tag} style="text-align: {align}">{escape(str(text))}</{tag}>'
