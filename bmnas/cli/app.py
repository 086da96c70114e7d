"""All commands in one list. Importing this imports no torch: a command imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from bmnas.cli import compile, convert, diagnose, diff, draw, extract, info, new, schema, search, taps, train, validate
from bmnas.cli.help import Command, Group
from bmnas.cli.stopping import stoppable
from bmnas.version import __version__


class LateCommands(Group):
    """A group whose commands can be completed when they are run: their options are known only then."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the command line as far as the command's name."""
        with stoppable():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, its imports and the reading of its options included."""
        with stoppable():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Complete the command that is run."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMPLETE:
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
            alone.command(name, cls=Command)(COMPLETE[name]())
            command = typer.main.get_command(alone)
            command.context_settings = app.info.context_settings or {}
        return name, command, rest


app = typer.Typer(
    name="bmnas",
    cls=LateCommands,
    no_args_is_help=True,
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


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"bmnas {__version__}")
        raise typer.Exit


for each in COMMANDS:
    needs_none = each in (search.search, schema.schema)
    app.command(each.__name__.rstrip("_"), cls=Command, no_args_is_help=not needs_none)(each)
