"""Options from settings: what a settings model has is on the command line, with its description as help.

A new strategy's settings need no line here. Finding out the options of a search loads the strategies, and so torch;
`bmnas.cli.known_options` remembers them.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

if TYPE_CHECKING:
    from bmnas.settings import Settings


@dataclass
class Option:
    """One option.

    Attributes:
        name: of the setting.
        kind: its type: a Python type, a ``Literal``, or ``str`` for several names with commas.
        help: what it is.
        owners: the members that have it, where not all settings do.
        metavar: what stands for its value in the help.
    """

    name: str
    kind: Any
    help: str
    owners: list[str] = field(default_factory=list)
    metavar: str | None = None

    @property
    def parameter(self) -> inspect.Parameter:
        """For the signature of a command."""
        owners = f"{', '.join(self.owners)}: " if self.owners else ""
        option = typer.Option(help=f"{owners}{self.help}", show_default=False, metavar=self.metavar)
        annotation: Any = Annotated[self.kind | None, option]
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def options_of(settings: type[Settings], leave_out: frozenset[str] = frozenset()) -> list[Option]:
    """The options of settings, and of all members of the tables that they choose from."""
    from bmnas.fit.settings import Optimisation

    options: dict[str, Option] = {}
    for found in _collected(settings, []):
        if found.name in leave_out:
            continue
        known = options.setdefault(found.name, found)
        if known is not found:
            known.owners += [owner for owner in found.owners if owner not in known.owners]
    # How weights are trained is the last that one wants to choose.
    return sorted(options.values(), key=lambda option: option.name in Optimisation.model_fields)


def with_options(command: Callable[..., None], options: list[Option]) -> Callable[..., None]:
    """The command with options in place of its parameter ``settings``, which gets a mapping of those that are given."""
    signature = inspect.signature(command, eval_str=True)
    names = [option.name for option in options]
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        own = [option.parameter for option in options] if parameter.name == "settings" else [parameter]
        parameters += [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]

    def run(**given: Any) -> None:
        settings = {name: value for name in names if (value := given.pop(name)) is not None}
        command(**given, settings=settings)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def values_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that options stand for: a pool of operations may be named, or listed with commas."""
    from bmnas.genotype.space import OFFICIAL_POOL, PAPER_POOL

    settings = dict(given)
    if "operations" in settings:
        pool = settings["operations"]
        pools = {"paper": PAPER_POOL, "official": OFFICIAL_POOL}
        settings["operations"] = pools.get(pool) or tuple(op.strip() for op in pool.split(","))
    return settings


def _collected(settings: type[Settings], owners: list[str]) -> Iterator[Option]:
    """The options of the settings and, after them, of the members."""
    from bmnas.settings import Choosing

    chooses = settings.chooses if issubclass(settings, Choosing) else None
    for name, info in settings.model_fields.items():
        if name == chooses:
            names = ", ".join(settings.members().loadable())  # type: ignore[attr-defined]
            help = f"{_sentence(info.description)} One of {names}."
            yield Option(name, str, help, list(owners), "NAME")
        elif name != "kind":
            yield Option(name, _kind(info.annotation), _sentence(info.description), list(owners))
    if chooses is not None:
        for kind in settings.members().loadable():  # type: ignore[attr-defined]
            yield from _collected(settings.settings_of(kind), [kind])  # type: ignore[attr-defined]


def _sentence(text: str | None) -> str:
    return f"{text}." if text and not text.endswith(".") else text or ""


def _kind(annotation: Any) -> Any:
    """What typer makes an option from: one type, without ``None``; several values are one text with commas."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (each for each in get_args(annotation) if each is not type(None))
    if get_origin(annotation) is tuple:
        return str
    return annotation if annotation in (int, float, bool, str) or get_origin(annotation) is Literal else str
