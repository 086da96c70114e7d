"""All commands in one list. Importing this imports no torch: a command imports what it needs when it runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bmnas.cli import (
    compile,
    convert,
    diagnose,
    diff,
    draw,
    evaluate,
    extract,
    info,
    new,
    predict,
    schema,
    search,
    taps,
    train,
    validate,
)
from bmnas.version import __version__


class LateCommands(TyperGroup):
    """A group whose commands can be completed when they are run: their options are known only then."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Complete the command that is run."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMPLETE:
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
            alone.command(name)(_stoppable(COMPLETE[name]()))
            command = typer.main.get_command(alone)
            command.context_settings = app.info.context_settings or {}
        return name, command, rest


app = typer.Typer(
    name="bmnas",
    cls=LateCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

COMMANDS: tuple[Callable[..., None], ...] = (
    search.search,
    extract.extract,
    diagnose.diagnose,
    taps.taps,
    train.train,
    predict.predict,
    evaluate.evaluate,
    new.new,
    validate.validate,
    info.info,
    compile.compile_,
    draw.draw,
    diff.diff,
    convert.convert,
    schema.schema,
)


# Commands with the options of settings, which a command that has none need not find out.
COMPLETE: dict[str, Callable[[], Callable[..., None]]] = {"search": search.complete, "train": train.complete}


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=lambda value: _show_version(value), is_eager=True, help="Show it and exit."),
    ] = False,
    imports: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="FILE.py|MODULE",
            help="Your own Python code that registers operations; runs before the command.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Search, write, compile, train and draw multimodal fusion networks (BM-NAS).

    Start with: bmnas search (it needs no data and no options)
    """
    for code in imports or ():
        from bmnas.cli.imports import import_code

        import_code(code)


def _stoppable(command: Callable[..., None]) -> Callable[..., None]:
    """Let Ctrl-C, and SIGTERM where the library looks for it, end a command with one sentence and the shell's code."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt as interrupt:
            # The library's own says more, but importing it would bring torch along.
            typer.echo(f"bmnas: {str(interrupt) or 'stopped'}", err=True)
            raise typer.Exit(getattr(interrupt, "exit_code", 130)) from None

    return run


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"bmnas {__version__}")
        raise typer.Exit


for each in COMMANDS:
    app.command(each.__name__.rstrip("_"), no_args_is_help=each not in (search.search, schema.schema))(_stoppable(each))
