"""Read and write genotype files. Reading never executes anything; writing is atomic."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bmnas.errors import BmnasError, GenotypeError, did_you_mean
from bmnas.files import parse_json, read_text, write_atomically
from bmnas.genotype.checks import Patience, short
from bmnas.genotype.problems import LIMIT, problems, too_long
from bmnas.genotype.schema import Genotype

_LIMIT = 2**20  # bytes; genotypes have a few kilobytes
_WIDTH = 110  # columns of a written file


def load(path: str | os.PathLike[str]) -> Genotype:
    """Read a genotype file, or the published genotype of that name (``ntu-1``) where there is no such file.

    Raises:
        GenotypeError: the file cannot be read, is not JSON, or is not a genotype; the message names the place.
    """
    # Here, because `published` reads its files with this module.
    from bmnas.genotype import published

    name = os.fspath(path)
    if name in published.names() and not Path(path).is_file():
        return published.load(name)
    try:
        text = read_text(path, _LIMIT)
    except BmnasError as error:
        could_be_a_name = isinstance(error.__cause__, FileNotFoundError) and Path(path).name == name.partition(".")[0]
        hint = f"; nor is it a published genotype{did_you_mean(name, published.names())}" if could_be_a_name else ""
        raise GenotypeError(f"{error}{hint}") from error
    return loads(text, source=name)


def loads(text: str, source: str = "genotype") -> Genotype:
    """Read a genotype from JSON text; ``source`` is what error messages call it.

    Raises:
        GenotypeError: the text is not JSON or not a genotype.
    """
    try:
        data = parse_json(text)
    except BmnasError as error:
        hint = "; bmnas convert reads the genotypes of the released code" if "Genotype(" in text else ""
        raise GenotypeError(f"{source}: {error}{hint}") from None
    if isinstance(data, dict) and isinstance(data.get("$schema"), str):
        del data["$schema"]  # a note for editors
    return from_dict(data, source)


def from_dict(data: Any, source: str = "genotype") -> Genotype:
    """A genotype from plain Python data, as JSON gives it.

    Raises:
        GenotypeError: the data are not a genotype.
    """
    if not isinstance(data, Mapping):
        raise GenotypeError(f"{source}: is {short(data)}, but a genotype is a JSON object with features and cells")
    found = too_long(data)
    if not found:
        try:
            return Genotype.model_validate(data, context=Patience(LIMIT))
        except ValidationError as error:
            found = problems(data, error)
    more = len(found) - 1
    raise GenotypeError(
        f"{source}: {found[0].place} {found[0].text}"
        + (f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""),
        found,
    )


def dumps(genotype: Genotype, *, partial: bool = False) -> str:
    """The genotype as JSON text: complete, one feature and one step a line, with a final newline.

    Args:
        genotype: what is written.
        partial: leave channels that are not known out, for a task to supply them, instead of refusing.

    Raises:
        GenotypeError: a feature's channels are not known, and the text need be complete.
    """
    for i, feature in enumerate(genotype.features):
        if feature.channels is None and not partial:
            raise GenotypeError(
                f"{genotype.name}: features[{i}].channels is missing: a written genotype says the channels of "
                f"{feature.name!r}; give them, or let a task supply them"
            )
    data = genotype.model_dump(mode="json")
    from_dict(data, genotype.name)  # `model_copy` checks nothing, and a broken file must not be written
    data["features"] = [
        {key: value for key, value in feature.items() if value is not None} for feature in data["features"]
    ]
    if genotype.provenance is None:
        del data["provenance"]
    else:
        data["provenance"] = genotype.provenance.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return _layout(data) + "\n"


def save(genotype: Genotype, path: str | os.PathLike[str], *, partial: bool = False) -> None:
    """Write a genotype file, replacing an existing one in one step; the arguments are those of `dumps`.

    Raises:
        GenotypeError: a feature's channels are not known, and the file need be complete.
        BmnasError: the file cannot be written.
    """
    write_atomically(path, dumps(genotype, partial=partial))


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
