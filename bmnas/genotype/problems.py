"""Everything that keeps plain data from being a genotype, told at once.

Pydantic stops at the first rule that a model breaks, and does not look at rules between models while one of them is
wrong. So where data are no genotype, its errors about single values are taken from Pydantic, and the rules of
`checks.py` are applied to whatever of the data has the right type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import SimpleNamespace
from typing import Any

from pydantic import ValidationError

from bmnas.errors import did_you_mean, short
from bmnas.genotype import checks, schema
from bmnas.genotype.checks import Problem

LIMIT = 50  # a file that is wrong in more places is no genotype with mistakes, but something else

# The greatest lengths of lists, by key. An output may name every feature and every cell.
LONGEST = {"features": 4096, "cells": 256, "steps": 256, "inputs": 64, "output": 4096 + 256}


def problems(data: Mapping[str, Any], error: ValidationError, keys: Sequence[str]) -> list[Problem]:
    """What is wrong with the data, the most telling problem first, at most `LIMIT` problems.

    Args:
        data: from which no genotype could be made.
        error: what Pydantic said when it tried.
        keys: those that a genotype may have.
    """
    details = list(islice(error.errors(include_url=False), LIMIT))
    # A list whose items are all wrong is empty for Pydantic, and then too short.
    parents = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
    single = [told(detail, keys) for detail in details if detail["type"] != "too_short" or detail["loc"] not in parents]
    found = {problem.place: problem for problem in single}
    if len(found) < LIMIT:
        for problem in islice(_broken_rules(_loose_genotype(data)), LIMIT):
            found.setdefault(_shown(problem.place), Problem(_shown(problem.place), problem.text))
    # A key that is not known often explains one that is missing, so it is told first.
    return sorted(found.values(), key=lambda problem: "is not a key of" not in problem.text)[:LIMIT]


def too_long(data: Mapping[str, Any]) -> list[Problem]:
    """The lists that are so long that validating them could take very long, at most `LIMIT` of them."""
    return list(islice(_too_long(data, ""), LIMIT))


def _too_long(data: Any, place: str) -> Iterator[Problem]:
    if not isinstance(data, Mapping):
        return
    for key, most in LONGEST.items():
        items = data.get(key)
        if not isinstance(items, list | tuple):
            continue
        if len(items) > most:
            yield Problem(f"{place}{key}", f"has {len(items)} items, but may have at most {most}")
        elif key in ("cells", "steps"):
            for i, item in enumerate(items):
                yield from _too_long(item, f"{place}{key}[{i}].")


def told(detail: Any, keys: Sequence[str] = ()) -> Problem:
    """One error of Pydantic, as a place and the end of a sentence that begins with it; ``keys``: as in `problems`."""
    return told_in(detail, keys, _CHILDREN)


def told_in(detail: Any, keys: Sequence[str], parts: Mapping[str, tuple[str, Any]]) -> Problem:
    """The same for any document.

    Args:
        detail: the error.
        keys: those that the document may have.
        parts: by key, what the objects under it are, in words, and their model.
    """
    location = detail["loc"]
    match detail["type"]:
        case checks.MISFIT:
            return Problem(_place(location, detail["ctx"]["place"]), detail["ctx"]["problem"])
        case "missing":
            text = "is missing"
        case "extra_forbidden":
            kind, known = _object_of(location, keys, parts)
            text = f"is not a key of {kind}{did_you_mean(str(location[-1]), known)}"
        case "too_short":
            least = detail["ctx"]["min_length"]
            text = f"is {short(detail['input'])}: it should have at least {least} item{'s' if least > 1 else ''}"
        case "too_long":
            text = f"has more items than {detail['ctx']['max_length']}, the greatest number that it may have"
        case "model_type" | "dict_type":
            text = f"is {short(detail['input'])}: it should be an object{_EXAMPLES.get(str(location[-1]), '')}"
        case "tuple_type" if isinstance(detail["input"], str):
            text = f"is {short(detail['input'])}: it should be a list, [{short(detail['input'])}]"
        case _:
            wish = re.sub("^(Input|String|Tuple)", "it", detail["msg"]).replace("tuple", "list")
            text = f"is {short(detail['input'])}: {wish}"
    return Problem(_place(location), text)


def _broken_rules(genotype: SimpleNamespace) -> Iterator[Problem]:
    for i, cell in enumerate(genotype.cells):
        for j, step in enumerate(cell.steps):
            yield from _within(f"cells[{i}].steps[{j}]", checks.step(step))
        yield from _within(f"cells[{i}]", checks.cell(cell))
    yield from checks.genotype(genotype)


def _within(place: str, problems: Iterator[Problem]) -> Iterator[Problem]:
    for problem in problems:
        yield Problem(f"{place}.{problem.place}" if problem.place else place, problem.text)


# Data in the shape of the models, without their guarantees: None where a value has not the right type.


def _loose_genotype(data: Mapping[str, Any]) -> SimpleNamespace:
    data = schema.filled(data, of="cells", prefix="Cell")
    representation = data.get("representation")
    return SimpleNamespace(
        representation=SimpleNamespace(
            channels=_positive(representation.get("channels")), length=_positive(representation.get("length"))
        )
        if isinstance(representation, Mapping)
        else None,
        # Where there is no list of features, nothing can be said about what refers to them.
        features=[_loose_feature(feature) for feature in _items(data["features"])]
        if _items(data.get("features"))
        else None,
        cells=[_loose_cell(cell) for cell in _items(data.get("cells"))],
        output=_names(data.get("output")),
        join=data.get("join"),
        has_head=data.get("head") is not None,
        members=_positive(data.get("members", 1)),
    )


def _loose_feature(data: Any) -> SimpleNamespace:
    data = data if isinstance(data, Mapping) else {}
    return SimpleNamespace(
        name=_text(data.get("name")), channels=_positive(data.get("channels")), reshape=_text(data.get("reshape"))
    )


def _loose_cell(data: Any) -> SimpleNamespace:
    data = schema.filled(data, of="steps", prefix="Step") if isinstance(data, Mapping) else {}
    return SimpleNamespace(
        name=_text(data.get("name")),
        inputs=_names(data.get("inputs")),
        steps=[_loose_step(step) for step in _items(data.get("steps"))],
        output=_names(data.get("output")),
    )


def _loose_step(data: Any) -> SimpleNamespace:
    data = data if isinstance(data, Mapping) else {}
    options = {key: value for key, value in data.items() if key not in schema.Step.model_fields}
    return SimpleNamespace(
        name=_text(data.get("name")), op=_text(data.get("op")), inputs=_names(data.get("inputs")), options=options
    )


def _items(value: Any) -> Sequence[Any]:
    # More than this is an error of its own; looking at all of them could take very long.
    return value[:5000] if isinstance(value, list | tuple) else ()


def _names(value: Any) -> list[str | None] | None:
    return [_text(name) for name in value[:5000]] if isinstance(value, list | tuple) and value else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def _positive(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < 2**31 else None


def _place(location: tuple[int | str, ...], inner: str = "") -> str:
    """``cells[0].steps[1].op`` for a path of keys and indices."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return _shown((text + (f".{inner}" if inner else "")).lstrip("."))


def _shown(place: str) -> str:
    """A place for people: its keys are whatever the data have."""
    place = place if place.isprintable() else repr(place)[1:-1]
    return place if len(place) <= 200 else place[:200] + "..."


_CHILDREN: dict[str, tuple[str, Any]] = {
    "representation": ("a representation", schema.Representation),
    "features": ("a feature", schema.Feature),
    "cells": ("a cell", schema.Cell),
    "steps": ("a step", schema.Step),
    "head": ("a head", schema.Head),
    "provenance": ("a provenance", schema.Provenance),
}

_EXAMPLES = {"head": ' such as {"outputs": 60}', "representation": ' such as {"channels": 128, "length": 8}'}


def _object_of(
    location: tuple[int | str, ...], keys: Sequence[str], parts: Mapping[str, tuple[str, Any]]
) -> tuple[str, list[str]]:
    """What the object is in which an unknown key was found, and the keys that it may have."""
    kind, known = "a genotype", list(keys)
    for part in location[:-1]:
        if isinstance(part, str) and part in parts:
            kind, model = parts[part]
            known = list(model.model_fields)
    return kind, known
