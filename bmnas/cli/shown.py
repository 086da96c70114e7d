"""Prose and tables as they are printed: no word and no name is broken, whatever the width.

In a terminal, prose is wrapped between words. In a pipe a paragraph is one line and a table as wide as it is, so that
what reads it finds names whole.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table

_WIDE = 100_000


def tell(text: str, *, err: bool = False, indent: str = "") -> None:
    """Print a paragraph, wrapped between words if a person reads it in a terminal.

    Args:
        text: one or several lines, each wrapped by itself.
        err: to standard error.
        indent: what lines begin with that go on with another.
    """
    stream = sys.stderr if err else sys.stdout
    typer.echo(wrapped(text, indent) if stream.isatty() else text, err=err)


def wrapped(text: str, indent: str = "") -> str:
    """The text in lines of the terminal's width; a word that is longer stays whole."""
    width = shutil.get_terminal_size().columns
    lines = [
        textwrap.fill(
            line,
            width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=bool(line.strip()),
        )
        for line in text.split("\n")
    ]
    return "\n".join(lines)


def show_table(table: Table) -> None:
    """Print a table; where a terminal is too narrow for its longest words, lines are longer than it rather."""
    from rich.console import Console

    console = Console(emoji=False, markup=False)
    size = console.measure(table, options=console.options.update(width=_WIDE))
    width = max(console.width, size.minimum) if console.is_terminal else size.maximum
    # With a height, too: rich takes a dumb terminal, as in some editors, to have 80 columns otherwise.
    Console(emoji=False, markup=False, width=width, height=console.height).print(table)
