"""The parts of what a module returns, by the names or numbers that a tap takes them by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def parts(value: Any) -> Mapping[Any, Any] | None:
    """The items of a mapping, tuple or list, and the fields of a named tuple, a dataclass or another plain object.

    Named tuples have their names here, and may be indexed too, see `part`.

    Returns:
        ``None`` where there is nothing to choose from, as of a tensor.
    """
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple):
        # Python gives named tuples, and torch its results of two (torch.return_types), the names of their fields.
        names: Any = getattr(value, "_fields", None) or getattr(value, "__match_args__", ())
        return dict(zip(names, value, strict=True)) if len(names) == len(value) > 0 else dict(enumerate(value))
    if isinstance(value, list):
        return dict(enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Tensor | nn.Module | type) or not hasattr(value, "__dict__"):
        return None
    return {name: field for name, field in vars(value).items() if not name.startswith("_")} or None


def part(value: Any, item: int | str) -> Any:
    """One of the `parts`, also by its number, and from the end, where these are in order.

    Raises:
        LookupError: there is no such part.
    """
    known = parts(value)
    if known is not None and item in known:
        return known[item]
    if isinstance(item, int) and isinstance(value, tuple | list):
        return value[item]
    raise LookupError(item)


def described(value: Any) -> str:
    """What a message says of a value: ``a dict of states, logits``, ``a tuple of 2``, ``a Tensor``."""
    known = parts(value)
    kind = f"a {type(value).__name__}"
    if known is None:
        return kind
    if not known:
        return f"an empty {type(value).__name__}"
    unnamed = isinstance(value, tuple | list) and all(isinstance(name, int) for name in known)
    return f"{kind} of {len(known)}" if unnamed else f"{kind} of {', '.join(map(str, known))}"
