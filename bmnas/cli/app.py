"""All commands in one list. Importing this imports no torch: a command imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from bmnas import __version__
from bmnas.cli import compile, draw, search, train, validate

app = typer.Typer(
    name="bmnas",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

COMMANDS: tuple[Callable[..., Any], ...] = (
    search.search,
    train.train,
    compile.compile_,
    draw.draw,
    validate.validate,
)

for command in COMMANDS:
    app.command(command.__name__.rstrip("_"), no_args_is_help=command is not search.search)(command)


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=lambda value: _show_version(value), is_eager=True, help="Show it, exit."),
    ] = False,
) -> None:
    """Search, write, compile, train and draw multimodal fusion networks (BM-NAS).

    Start with `bmnas search`: it needs no data and no options, and takes about a minute.
    """


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"bmnas {__version__}")
        raise typer.Exit
