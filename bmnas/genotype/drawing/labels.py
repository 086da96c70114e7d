r"""Names as text of Graphviz's HTML-like labels: always text, never markup, and never wider than a reader likes."""

from __future__ import annotations

import html

_BREAK_AFTER = " _-./:,;)"


def escaped(name: str) -> str:
    r"""A name as text of an HTML-like label, where Graphviz replaces \N, \G, ... unless the backslash is doubled."""
    return html.escape(name).replace("\\", "\\\\")


def wrapped(text: str, width: int) -> list[str]:
    """The text in pieces of at most ``width`` characters, cut at good places where there are; they join to the text."""
    pieces = []
    while len(text) > width:
        places = [i + 1 for i in range(width // 2, width) if text[i] in _BREAK_AFTER]
        cut = places[-1] if places else width
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text]


def sized(markup: str, points: int, color: str) -> str:
    """Markup in a font of that size and colour."""
    return f'<font point-size="{points}" color="{color}">{markup}</font>' if markup else ""


def lines(text: str, width: int) -> str:
    """A text as markup, broken into lines."""
    return "<br/>".join(map(escaped, wrapped(text, width)))


def label(markup: str) -> str:
    """Markup as the value of a label attribute."""
    return f"<{markup}>"
