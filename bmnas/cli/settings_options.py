"""Options from settings: what a settings model has is on the command line, with its description as help.

A new strategy's settings need no line here. Finding out the options of a search loads the strategies, and so torch;
`bmnas.cli.known_options` remembers them.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from bmnas.settings import Settings


@dataclass
class Option:
    """One option.

    Attributes:
        name: of the setting.
        kind: its type: a Python type, a ``Literal``, or ``str`` for several names with commas.
        help: what it is.
        owners: the members that have it, where not all settings do.
        metavar: what stands for its value in the help: the unit of a number, mostly.
        default: what it is where it is left out, as the help says it.
        group: the heading under which the help has it.
        limits: between which numbers it has to be, in Pydantic's words: ``{"ge": 1}``.
        members: the names that there are, for a setting that chooses a member of a table; and what such a member is.
    """

    name: str
    kind: Any
    help: str
    owners: list[str] = field(default_factory=list)
    metavar: str | None = None
    default: str | None = None
    group: str = "Settings"
    limits: dict[str, float] = field(default_factory=dict)
    members: tuple[str, list[str]] | None = None

    @property
    def flag(self) -> str:
        """As it is typed: ``--batch-size``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def parameter(self) -> inspect.Parameter:
        """For the signature of a command."""
        owners = f"{', '.join(self.owners)}: " if self.owners else ""
        names = self.members[1] if self.members else []
        option = typer.Option(
            help=f"{owners}{self.help}",
            show_default=self.default or False,
            metavar=self.metavar,
            rich_help_panel=self.group,
            autocompletion=(lambda incomplete: [name for name in names if name.startswith(incomplete)])
            if names
            else None,
        )
        annotation: Any = Annotated[self.kind | None, option]
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)

    @property
    def values(self) -> str:
        """Which there are, in words: ``0 to 7``, ``paper or released``; empty where anything may be one."""
        if get_origin(self.kind) is Literal:
            return " or ".join(map(str, get_args(self.kind)))
        if self.kind is bool:
            return "true or false"
        shift = int(self.kind is int)  # whole numbers above 0 are those from 1
        low = self.limits.get("ge", self.limits["gt"] + shift if "gt" in self.limits else None)
        high = self.limits.get("le", self.limits["lt"] - shift if "lt" in self.limits else None)
        parts = ([f"from {low}"] if low is not None else []) + ([f"to {high}"] if high is not None else [])
        return " ".join(parts).removeprefix("from ") if len(parts) == 2 else "".join(parts)

    def check(self, value: Any) -> None:
        """Look at a value that was typed, as far as that can be done without the settings themselves.

        Raises:
            BmnasError: it makes no sense.
        """
        from pydantic import Field, TypeAdapter, ValidationError

        from bmnas.errors import BmnasError, did_you_mean, short
        from bmnas.genotype import extension
        from bmnas.settings import problem_of

        if self.members is not None:
            what, names = self.members
            if value not in names and not extension.imported:  # a user's own code may have added others
                raise BmnasError(f"unknown {what} {short(value)}{did_you_mean(value, names)}")
        if self.limits or self.kind is float:
            limits: Any = self.limits
            bounded: Any = Annotated[self.kind, Field(allow_inf_nan=False, **limits)]
            try:
                TypeAdapter(bounded).validate_python(value)
            except ValidationError as error:
                problem = problem_of(error.errors(include_url=False)[0])
                raise BmnasError(f"{self.flag} is {value!r}: {problem}") from None


def options_of(settings: type[Settings], leave_out: frozenset[str] = frozenset()) -> list[Option]:
    """The options of settings, and of all members of the tables that they choose from."""
    from bmnas.fit.settings import Optimisation

    options: dict[str, Option] = {}
    others: dict[str, dict[str, list[str]]] = {}  # by option and default, the members that have that one instead
    for found in _collected(settings, []):
        if found.name in leave_out:
            continue
        known = options.setdefault(found.name, found)
        if known is not found:
            known.owners += [owner for owner in found.owners if owner not in known.owners]
            if found.default not in (None, known.default):
                others.setdefault(found.name, {}).setdefault(str(found.default), []).extend(found.owners)
    for name, defaults in others.items():
        said = "".join(f"; {', '.join(owners)}: {default}" for default, owners in defaults.items())
        options[name].default = f"{options[name].default}{said}"
    # How weights are trained is the last that one wants to choose.
    return sorted(options.values(), key=lambda option: option.name in Optimisation.model_fields)


def with_options(command: Callable[..., None], options: list[Option]) -> Callable[..., None]:
    """The command with options in place of its parameter ``settings``, which gets a mapping of those that are given.

    What can be known of them without the settings themselves is looked at first, before torch is imported.
    """
    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        own = [option.parameter for option in options] if parameter.name == "settings" else [parameter]
        parameters += [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]

    def run(**given: Any) -> None:
        from bmnas.errors import BmnasError

        settings = {option.name: value for option in options if (value := given.pop(option.name)) is not None}
        _check(options, settings)
        try:
            command(**given, settings=settings)
        except BmnasError as error:
            said = as_options(str(error), settings)
            if said == str(error):
                raise
            raise BmnasError(said) from error

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _check(options: list[Option], typed: Mapping[str, Any]) -> None:
    """Look at all that was typed, as far as that can be done without the settings themselves.

    Raises:
        BmnasError: a value makes no sense, or belongs to another member than the one that was chosen.
    """
    from bmnas.errors import BmnasError

    given = [option for option in options if option.name in typed]
    for option in given:
        option.check(typed[option.name])
    for chooser in given:
        what, names = chooser.members or ("", [])
        chosen = typed[chooser.name]
        for option in given:
            if option.owners and set(option.owners) <= set(names) and chosen not in option.owners:
                owner = f"of the {what} {option.owners[0]}; the {what} {chosen} does not have it"
                raise BmnasError(f"{option.flag} is {owner}")


def as_options(sentence: str, typed: Mapping[str, Any]) -> str:
    """A sentence about settings in which those that were typed are called as they were typed: ``--batch-size``."""

    def typed_name(match: re.Match[str]) -> str:
        return f"--{match[1].replace('_', '-')}" if match[1] in typed else match[0]

    return re.sub(r"\bsetting (\w+)(?:\.\w+)*", typed_name, sentence)


def values_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that options stand for: a pool of operations may be named, or listed with commas.

    Raises:
        BmnasError: one of them is no operation.
    """
    from bmnas.errors import BmnasError, did_you_mean, short
    from bmnas.genotype.lookup import known
    from bmnas.genotype.space import OFFICIAL_POOL, PAPER_POOL

    settings = dict(given)
    if "operations" in settings:
        pool = settings["operations"]
        pools = {"paper": PAPER_POOL, "official": OFFICIAL_POOL}
        settings["operations"] = pools.get(pool) or tuple(op.strip() for op in pool.split(","))
        for op in settings["operations"]:
            if op not in known():
                raise BmnasError(f"--operations has {short(op)}, which is not an operation{did_you_mean(op, known())}")
    return settings


def _collected(settings: type[Settings], owners: list[str]) -> Iterator[Option]:
    """The options of the settings and, after them, of the members."""
    from bmnas.settings import Choosing

    chooses = settings.chooses if issubclass(settings, Choosing) else None
    for name, info in settings.model_fields.items():
        if name == "kind":
            continue
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        unit = extra.get("unit")
        found = Option(
            name,
            str if name == chooses else _kind(info.annotation),
            _sentence(info.description),
            list(owners),
            metavar=str(unit).upper() if unit else None,
            default=_default(info),
            group=str(extra.get("group", settings.group)),
            limits=_limits(info),
        )
        if name == chooses:
            table = settings.members()  # type: ignore[attr-defined]
            found.members = (table.what, table.loadable())
            found.help += f" One of {', '.join(found.members[1])}."
            found.metavar = "NAME"
        yield found
    if chooses is not None:
        for kind in settings.members().loadable():  # type: ignore[attr-defined]
            yield from _collected(settings.settings_of(kind), [kind])  # type: ignore[attr-defined]


def _sentence(text: str | None) -> str:
    return f"{text}." if text and not text.endswith(".") else text or ""


def _default(info: FieldInfo) -> str | None:
    """What the help says of it: nothing where the description tells it already."""
    value = info.get_default(call_default_factory=True)
    if value is None:
        told = info.description is not None and any(words in info.description for words in ("left out", "not given"))
        return None if told else "none"
    value = getattr(value, "kind", value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _limits(info: FieldInfo) -> dict[str, float]:
    names = ("ge", "gt", "le", "lt")
    return {name: limit for each in info.metadata for name in names if (limit := getattr(each, name, None)) is not None}


def _kind(annotation: Any) -> Any:
    """What typer makes an option from: one type, without ``None``; several values are one text with commas."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (each for each in get_args(annotation) if each is not type(None))
    if get_origin(annotation) is tuple:
        return str
    return annotation if annotation in (int, float, bool, str) or get_origin(annotation) is Literal else str
