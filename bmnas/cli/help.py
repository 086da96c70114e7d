"""The help of a command: its options in groups, each with its unit and its default, and examples that can be copied.

Options are grouped by their ``rich_help_panel``. The text is plain and no word of it is broken, so that it reads the
same on a narrow terminal, in a pipe and in a log, and shows at once: drawing boxes would load rich first.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from typer.core import TyperCommand, TyperGroup

OUTPUT = "Output"
"""The heading of options that say where and how things are written."""

_COLUMN = 28  # where the second column begins at the latest
_BOUND = ":\N{NO-BREAK SPACE}"
_EXAMPLE = re.compile(r"(?:Example|Or)(?:, [^:]+)?: (bmnas .+)", re.DOTALL)
_ANY = {"int": "N", "integer": "N", "float": "X", "path": "FILE", "file": "FILE", "directory": "FOLDER"}


class Command(TyperCommand):
    """A command with such a help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write it."""
        formatter.write("\n\n".join(_page(self, ctx, formatter.width)) + "\n")


class Group(TyperGroup):
    """A group of commands with such a help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write it."""
        width = formatter.width
        commands = _section("Commands", self.listed(ctx), width)
        formatter.write("\n\n".join([*_page(self, ctx, width), commands]) + "\n")

    def listed(self, ctx: Any) -> Iterable[tuple[str, str]]:
        """The names of the commands, and what each does."""
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            assert command is not None, "it is listed"
            yield name, first_sentence(command.help)


def first_sentence(text: str | None) -> str:
    """What a command does, from its docstring."""
    return _paragraphs(text)[0]


def examples_of(command: Any) -> list[str]:
    """The command lines that a command's help gives as examples."""
    return [
        " ".join(match[1].split())
        for paragraph in _paragraphs(command.help)
        if (match := _EXAMPLE.fullmatch(paragraph))
    ]


def metavar_of(parameter: Any, ctx: Any) -> str:
    """What stands for the value of an option or an argument: ``FILE``, ``EPOCHS``, ``light|dark``."""
    if parameter.param_type_name == "argument":
        name: str = (parameter.metavar or parameter.name.upper()).removesuffix("...")
        return name + "..." * (parameter.nargs != 1)
    if parameter.metavar:
        return str(parameter.metavar)
    if getattr(parameter, "is_flag", False):
        return ""
    record = parameter.get_help_record(ctx)
    typed = record[0].rpartition(" ")[2] if record else ""
    shown = re.sub(r"^(?:.* )?[<\[](.+?)(?: range)?[>\]]$", r"\1", record[0]) if record else typed
    if "|" in shown:
        return shown
    return _ANY.get(shown.lower().removesuffix(" range"), str(parameter.name).upper().replace("_", "-"))


def _page(command: Any, ctx: Any, width: int) -> Iterator[str]:
    arguments = [each for each in command.get_params(ctx) if each.param_type_name == "argument"]
    pieces = [command.options_metavar, *(metavar_of(argument, ctx) for argument in arguments)]
    pieces += [command.subcommand_metavar] if isinstance(command, TyperGroup) else []
    yield _wrapped(f"Usage: {ctx.command_path} {' '.join(pieces)}", width, "", " " * 7)
    for paragraph in _paragraphs(command.help):
        if not _EXAMPLE.fullmatch(paragraph):
            yield _wrapped(paragraph, width, "  ", "  ")
    examples = examples_of(command)
    if examples:
        yield f"Example{'s' * (len(examples) > 1)}:\n" + "\n".join(f"  {example}" for example in examples)
    if arguments:
        yield _section("Arguments", [(metavar_of(each, ctx), _told(each)) for each in arguments], width)
    for heading, rows in _groups(command, ctx).items():
        yield _section(heading, rows, width)


def _paragraphs(text: str | None) -> list[str]:
    return [
        " ".join(paragraph.split()) for paragraph in inspect.cleandoc(text or "").split("\n\n") if paragraph.strip()
    ]


def _groups(command: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """The rows of the options by heading: what is written where comes last, and with it the help itself."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for option in command.get_params(ctx):
        if option.param_type_name == "option" and not option.hidden and option.name != "help":
            heading = getattr(option, "rich_help_panel", None) or "Options"
            groups.setdefault(heading, []).append((_name(option, ctx), _told(option)))
    groups = dict(sorted(groups.items(), key=lambda group: group[0] == OUTPUT)) or {"Options": []}
    last = next(reversed(groups.values()))
    last.append((", ".join(ctx.help_option_names), "Show this text and exit."))
    return groups


def _name(option: Any, ctx: Any) -> str:
    """``-o, --out FILE``; ``--amp / --no-amp``."""
    names = ", ".join(sorted(option.opts, key=lambda name: name.startswith("--")))
    if option.secondary_opts:
        return f"{names} / {', '.join(option.secondary_opts)}"
    return f"{names} {metavar_of(option, ctx)}".rstrip()


def _told(parameter: Any) -> str:
    """What it is, and what it is where it is left out."""
    default = "required" if parameter.required else f"default: {shown}" if (shown := _default(parameter)) else ""
    if parameter.param_type_name == "argument" and parameter.required:
        default = ""
    return " ".join(filter(None, (parameter.help or "", f"[{default.replace(': ', _BOUND, 1)}]" if default else "")))


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    value = parameter.default
    if value is None or not parameter.show_default or callable(value):
        return ""
    if isinstance(value, bool):
        return ("on" if value else "off") if parameter.secondary_opts else ""
    return str(value.value if isinstance(value, Enum) else value)


def _section(heading: str, rows: Iterable[tuple[str, str]], width: int) -> str:
    """A heading, and rows of two columns below it."""
    rows = list(rows)
    column = min(_COLUMN, 4 + max(len(first) for first, _ in rows))
    lines = [f"{heading}:"]
    for first, second in rows:
        begin = f"  {first}"
        if len(begin) + 2 > column:
            lines.append(begin)
            begin = ""
        lines.append(_wrapped(second, width, f"{begin:<{column}}", " " * column).rstrip())
    return "\n".join(lines)


def _wrapped(text: str, width: int, first: str, rest: str) -> str:
    """The text in lines, no word broken; what begins the first line counts."""
    lines = textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_BOUND, ": ") or first
