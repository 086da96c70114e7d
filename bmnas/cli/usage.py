"""What typer says of a command line that it cannot read, in the words of all other errors: one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

# What all of typer's errors about a command line derive from; it has no public name of its own.
_UsageError = typer.BadParameter.__mro__[1]


def is_help(error: Exception) -> bool:
    """Whether an error is the help itself, for a command without arguments that needs some."""
    return type(error).__name__ == "NoArgsIsHelpError"


def misuse(error: Exception) -> str | None:
    """What to tell of an error in the use of a command; ``None`` for any other error."""
    if not isinstance(error, _UsageError):
        return None
    ctx = getattr(error, "ctx", None)
    command = ctx.command_path if ctx is not None else "bmnas"
    return _TOLD.get(type(error).__name__, _other)(error, command)


def _no_option(error: Any, command: str) -> str:
    from bmnas.errors import did_you_mean, short

    options = error.ctx.command.get_params(error.ctx) if error.ctx is not None else []
    known = [name for each in options for name in (*each.opts, *each.secondary_opts) if name.startswith("--")]
    near = did_you_mean(error.option_name, known)
    if not near.startswith("; did you mean"):
        near = f"; {command} --help lists all"
    return f"there is no option {short(error.option_name)}{near}"


def _missing(error: Any, command: str) -> str:
    return f"{_named(error)} is missing; {command} --help has an example"


def _option_usage(error: Any, command: str) -> str:
    takes_none = "does not take" in str(error.message)
    return f"{error.option_name} {'takes no value' if takes_none else 'needs a value'}"


def _bad_value(error: Any, command: str) -> str:
    """``--epochs is 'abc': it should be a valid integer``."""
    from bmnas.errors import did_you_mean, short

    problem = str(error.message).removeprefix("Value error, ").replace("Input", "it", 1).rstrip(".")
    problem = problem.partition(", unable to parse")[0]
    details = error.__cause__.errors() if hasattr(error.__cause__, "errors") else []
    if not details:
        return f"{_named(error)} cannot be used: {problem}"
    given = details[0]["input"]
    _, of, choices = problem.partition(" is not one of ")
    if of:
        names = [choice.strip("'") for choice in choices.split(", ")]
        problem = f"it is one of {', '.join(names)}"
        near = did_you_mean(str(given), names)
        problem += near if near.startswith("; did you mean") else ""
    return f"{_named(error)} is {given if _is_number(given) else short(given)}: {problem}"


def _other(error: Any, command: str) -> str:
    from bmnas.errors import did_you_mean, short

    message = str(error.format_message()).rstrip(".")
    if message.startswith("Got unexpected extra argument"):
        extra = message.rpartition(" (")[2].removesuffix(")")
        return f"there is no place for {short(extra)}; {command} --help lists what it takes"
    if message.startswith("No such command"):
        name = message.removeprefix("No such command ").partition(". Did you mean")[0].strip("'")
        return f"there is no command {short(name)}{did_you_mean(name, error.ctx.command.list_commands(error.ctx))}"
    return f"{message[:1].lower()}{message[1:]}"


_TOLD: dict[str, Callable[[Any, str], str]] = {
    "NoSuchOption": _no_option,
    "MissingParameter": _missing,
    "BadOptionUsage": _option_usage,
    "BadParameter": _bad_value,
}


def _named(error: Any) -> str:
    """The option or the argument that an error is about, as it is typed."""
    from bmnas.cli.help import metavar_of

    if error.param is None:
        return "a value"
    if error.param.param_type_name == "option":
        return str(max(error.param.opts, key=len))
    return metavar_of(error.param, error.ctx).removesuffix("...")


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True
