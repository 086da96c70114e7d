"""All commands in one list. Importing this imports no torch: a command imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Annotated, Any

import typer

from bmnas.cli import garbage
from bmnas.cli.help import Command, Group, first_sentence
from bmnas.cli.stopping import stoppable
from bmnas.version import __version__

# Each is a function of that name in `bmnas.cli`, in a file of that name. A file with settings has a function `complete`
# too, which gives the command with the options of the settings: finding those out takes time, which others need not.
COMMANDS = (
    "search",
    "sweep",
    "prepare",
    "backbones",
    "extract",
    "diagnose",
    "taps",
    "train",
    "predict",
    "evaluate",
    "compare",
    "ablate",
    "report",
    "runs",
    "new",
    "validate",
    "info",
    "compile",
    "draw",
    "diff",
    "convert",
    "schema",
)
# Those that do something without any argument.
_NEED_NONE = ("search", "compare", "runs", "schema")
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LateCommands(Group):
    """A group whose commands are imported and built when they are asked for, one by one."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def listed(self, ctx: Any) -> Iterator[tuple[str, str]]:
        """The names, and what each does."""
        for name in COMMANDS:
            yield name, first_sentence(_function(name).__doc__)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, without the options of settings; ``None`` if there is none."""
        return _built(cmd_name, _function(cmd_name)) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is run, whole."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and hasattr(_module(name), "complete"):
            command = _built(name, _module(name).complete())
        return name, command, rest

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the command line as far as the command's name."""
        with stoppable():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, its imports and the reading of its options included."""
        with stoppable():
            garbage.resume()
            return super().invoke(ctx)


app = typer.Typer(
    name="bmnas",
    cls=LateCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=_CONTEXT,
)


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


def _module(name: str) -> Any:
    return import_module(f"bmnas.cli.{name}")


def _function(name: str) -> Callable[..., None]:
    module = _module(name)
    function: Callable[..., None] = getattr(module, name, None) or getattr(module, f"{name}_")
    return function


def _built(name: str, function: Callable[..., None]) -> Any:
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.command(name, cls=Command, no_args_is_help=name not in _NEED_NONE)(function)
    command = typer.main.get_command(alone)
    command.context_settings = dict(_CONTEXT)
    return command


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"bmnas {__version__}")
        raise typer.Exit
