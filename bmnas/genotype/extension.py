"""Operations from outside the package: registered with a decorator, or offered by an installed package.

A package offers an operation as an entry point of the group ``bmnas.operations``, whose name is the operation's and
whose object is what `operation` decorates, or an `Operation`. Only a genotype (or a message) that needs the operation
loads it. A genotype names operations; it never says where their code is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from bmnas.errors import BmnasError
from bmnas.genotype.operation import Operation, Options
from bmnas.genotype.operations import OPERATIONS

GROUP = "bmnas.operations"

Builder = TypeVar("Builder", bound=Callable[..., Any])

_registered: dict[str, Operation] = {}

# What was imported for its operations when the process began, as the command line names it.
imported: list[str] = []


def operation(
    name: str | Callable[..., Any] | None = None,
    *,
    arity: int | tuple[int, int | None] = 2,
    commutative: bool = False,
    equation: str | None = None,
    weights: bool = True,
    options: type[Options] = Options,
) -> Any:
    """Register an operation of your own; decorates what builds it, usually a class derived from `torch.nn.Module`.

    It is called with a `bmnas.compiler.operations.Size` and with the step's options as keywords; the module's
    ``forward`` maps the inputs, each (B, C, L), to one node of that shape.

    Args:
        name: as genotypes write it; the decorated object's own name if left out.
        arity: number of inputs, or (least, most), where ``None`` is no limit.
        commutative: whether the order of the inputs makes no difference.
        equation: what it computes, for people; the first line of the docstring if left out.
        weights: whether it has weights; those that it has are counted when it is built.
        options: a subclass of `Options` with a default for every option.

    Raises:
        ValueError: the name is not one, another operation has it, or an option has no default.

    Example:
        >>> @operation(commutative=True, equation="|x - y|", weights=False)
        ... class Distance(torch.nn.Module):
        ...     def __init__(self, size):
        ...         super().__init__()
        ...
        ...     def forward(self, x, y):
        ...         return (x - y).abs()
    """
    if callable(name):
        return operation()(name)  # the decorator without parentheses
    least, most = (arity, arity) if isinstance(arity, int) else arity

    def decorate(build: Builder) -> Builder:
        own_name = name or build.__name__
        register(
            Operation(
                own_name,
                (least, most),
                commutative,
                equation if equation is not None else _first_line(build.__doc__),
                weights=weights,
                options=options,
                build=build,
                origin=f"{build.__module__}:{build.__qualname__}",
            )
        )
        return build

    return decorate


def register(new: Operation) -> None:
    """Make an operation known in this process. Its ``build`` may be text, ``"package.module:name"``, so that torch is
    imported only when a network is built.

    Raises:
        ValueError: the name is not one, another operation has it, nothing builds it, or its arity or options make no
            sense.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", new.name):
        raise ValueError(f"{new.name!r} cannot be the name of an operation: a letter, then letters, digits and _ . -")
    if new.build is None:
        raise ValueError(f"nothing builds the operation {new.name!r}")
    least, most = new.arity
    if least < 1 or (most is not None and most < least):
        raise ValueError(f"the operation {new.name!r} cannot take {least} to {most} inputs")
    _check_options(new)
    # A module that is loaded again, as in a notebook, may register its operation again.
    if new.name in OPERATIONS or (new.name in _registered and _registered[new.name].origin != new.origin):
        raise ValueError(f"there already is an operation {new.name!r}")
    _registered[new.name] = new


def registered() -> list[Operation]:
    """The operations from outside the package that have been loaded."""
    return list(_registered.values())


def find(name: str) -> Operation:
    """The operation from outside the package of that name.

    Raises:
        KeyError: there is none.
        BmnasError: an installed package offers it, but cannot be loaded.
    """
    if name not in _registered:
        for entry in _offered():
            if entry.name == name:
                _load(entry)
                break
    return _registered[name]


def names() -> list[str]:
    """The names of all operations from outside the package, sorted; loads none of them."""
    return sorted({*_registered, *(entry.name for entry in _offered())})


def _check_options(new: Operation) -> None:
    if not (isinstance(new.options, type) and issubclass(new.options, Options)):
        raise ValueError(f"the options of {new.name!r} are no subclass of bmnas.Options")
    for option, field in new.options.model_fields.items():
        if field.is_required():
            raise ValueError(f"the option {option!r} of {new.name!r} needs a default")
        if option in ("name", "op", "inputs"):
            raise ValueError(f"an option of {new.name!r} is called {option!r}, which a step has already")


def _offered() -> Iterable[Any]:
    return _offered_in(tuple((folder, _changed(folder)) for folder in sys.path))


@lru_cache(maxsize=1)  # reading what every installed package offers takes a tenth of a second
def _offered_in(folders: tuple[tuple[str, int], ...]) -> tuple[Any, ...]:
    from importlib.metadata import entry_points

    return tuple(entry_points(group=GROUP))


def _changed(folder: str) -> int:
    """When something was last installed there."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


def _load(entry: Any) -> None:
    where = f"the operation {entry.name!r}, which the entry point {entry.value} offers,"
    try:
        loaded = entry.load()
        if isinstance(loaded, Operation) and loaded.name not in _registered:
            register(loaded)
    except Exception as error:
        raise BmnasError(f"{where} cannot be loaded: {error}") from error
    if entry.name not in _registered:
        raise BmnasError(f"{where} is not registered under that name when it is loaded")


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]
