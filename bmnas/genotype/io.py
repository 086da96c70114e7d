"""Read and write genotype files. Reading never executes anything; writing is atomic."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bmnas.genotype import checks
from bmnas.genotype.checks import short
from bmnas.genotype.errors import BmnasError, GenotypeError, did_you_mean
from bmnas.genotype.files import parse_json, read_text, write_atomically
from bmnas.genotype.schema import Genotype

_LIMIT = 8 * 2**20  # bytes; the largest genotype that makes sense is a few kilobytes
_WIDTH = 110  # columns of a written file


def load(path: str | os.PathLike[str]) -> Genotype:
    """Read a genotype file.

    Raises:
        GenotypeError: the file cannot be read, is not JSON, or is not a genotype; the message names the place.
    """
    try:
        text = read_text(path, _LIMIT)
    except BmnasError as error:
        raise GenotypeError(str(error)) from error
    return loads(text, source=os.fspath(path))


def loads(text: str, source: str = "genotype") -> Genotype:
    """Read a genotype from JSON text; ``source`` is what error messages call it.

    Raises:
        GenotypeError: the text is not JSON or not a genotype.
    """
    try:
        data = parse_json(text)
    except BmnasError as error:
        raise GenotypeError(f"{source}: {error}") from None
    return from_dict(data, source)


def from_dict(data: Any, source: str = "genotype") -> Genotype:
    """A genotype from plain Python data, as JSON gives it.

    Raises:
        GenotypeError: the data are not a genotype.
    """
    if not isinstance(data, Mapping):
        raise GenotypeError(f"{source}: is {short(data)}, but a genotype is a JSON object with features and cells")
    try:
        return Genotype.model_validate(data)
    except ValidationError as error:
        raise GenotypeError(f"{source}: {_sentence(error)}") from None


def dumps(genotype: Genotype) -> str:
    """The genotype as JSON text: complete, one feature and one step a line, with a final newline.

    Raises:
        GenotypeError: a feature's channels are not known.
    """
    for i, feature in enumerate(genotype.features):
        if feature.channels is None:
            raise GenotypeError(
                f"{genotype.name}: features[{i}].channels is missing: a written genotype says the channels of "
                f"{feature.name!r}; give them, or let a task supply them"
            )
    data = genotype.model_dump(mode="json")
    if genotype.provenance is None:
        del data["provenance"]
    else:
        data["provenance"] = genotype.provenance.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return _layout(data) + "\n"


def save(genotype: Genotype, path: str | os.PathLike[str]) -> None:
    """Write a genotype file, replacing an existing one in one step.

    Raises:
        GenotypeError: a feature's channels are not known.
        BmnasError: the file cannot be written.
    """
    write_atomically(path, dumps(genotype))


def _layout(value: Any, indent: int = 0, lead: int = 0) -> str:
    """JSON with every array and object that fits on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if (len(line) + indent + lead <= _WIDTH and indent) or not isinstance(value, dict | list) or not value:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        keys = [f"{json.dumps(key, ensure_ascii=False)}: " for key in value]
        items = [key + _layout(item, indent + 2, len(key) + 1) for key, item in zip(keys, value.values(), strict=True)]
        left, right = "{}"
    else:
        items = [_layout(item, indent + 2, 1) for item in value]
        left, right = "[]"
    return f"{left}\n{pad}" + f",\n{pad}".join(items) + f"\n{' ' * indent}{right}"


def _sentence(error: ValidationError) -> str:
    """The first problem of a Pydantic error, as ``place problem``, and how many there are besides."""
    details = error.errors(include_url=False)
    # A key that is not known often explains one that is missing, so it is told first.
    first = next((detail for detail in details if detail["type"] == "extra_forbidden"), details[0])
    location = first["loc"]
    sentence: str
    found = short(first["input"])
    match first["type"]:
        case checks.MISFIT:
            context = first["ctx"]
            sentence = _place(location, context["place"]) + " " + context["problem"]
        case "missing":
            sentence = f"{_place(location)} is missing"
        case "extra_forbidden":
            known = _known_keys(location)
            sentence = f"{_place(location)} is not a key of a genotype{did_you_mean(str(location[-1]), known)}"
        case "too_short":
            sentence = f"{_place(location)} is {found}: {_too_short(first['ctx'])}"
        case _:
            sentence = f"{_place(location)} is {found}: {first['msg'].replace('Input', 'it').replace('tuple', 'list')}"
    more = len(details) - 1
    return sentence + (f" (and {more} more problem{'s' if more > 1 else ''})" if more else "")


def _too_short(context: Mapping[str, Any]) -> str:
    least = context["min_length"]
    return f"it should have at least {least} item{'s' if least > 1 else ''}"


def _place(location: tuple[int | str, ...], inner: str = "") -> str:
    """``cells[0].steps[1].op`` for a path of keys and indices."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    place = (text + (f".{inner}" if inner else "")).lstrip(".")
    return place if len(place) <= 200 else place[:200] + "..."


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys of the object in which an unknown key was found."""
    model: Any = Genotype
    for part in location[:-1]:
        if isinstance(part, str):
            model = _CHILDREN.get(part, model)
    return list(model.model_fields)


def _children() -> dict[str, Any]:
    from bmnas.genotype import schema

    return {
        "representation": schema.Representation,
        "features": schema.Feature,
        "cells": schema.Cell,
        "steps": schema.Step,
        "head": schema.Head,
        "provenance": schema.Provenance,
    }


_CHILDREN = _children()
