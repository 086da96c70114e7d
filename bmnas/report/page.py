"""A page of sections as one HTML file that needs nothing else: the template escapes all text, the style is in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bmnas.report.parts import Section

_TEMPLATES = Path(__file__).parent / "templates"


def html_of(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """The text of the file.

    Args:
        title: of the page.
        subtitle: a line below it.
        sections: with those inside them, two levels deep; their ids are unique.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    style = Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8"))  # our own
    text = environment.get_template("page.html").render(title=title, subtitle=subtitle, sections=sections, style=style)
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip()) + "\n"
