"""A genotype as JSON text, and as a file, which is written whole or not at all."""

from __future__ import annotations

import json
import os
from typing import Any

from bmnas.errors import GenotypeError
from bmnas.files import write_atomically
from bmnas.genotype.genotype import Genotype, from_dict
from bmnas.genotype.opening import Given, opened_any
from bmnas.genotype.parsing import AnyGenotype
from bmnas.genotype.stacks import StackGenotype, from_dict as stacks_from_dict

_WIDTH = 110  # columns of a written file


def dumps(genotype: Given, *, partial: bool = False) -> str:
    """The genotype as JSON text: complete, one feature and one step a line, with a final newline.

    One of an encoder-decoder network may leave to a task what it does not know, so its text is never refused for that.

    Args:
        genotype: what is written; or the path of its file or of a run folder, as for `load`.
        partial: leave channels that are not known out, for a task to supply them, instead of refusing.

    Raises:
        GenotypeError: a feature's channels are not known, and the text need be complete; or as for `load`.
    """
    genotype = opened_any(genotype)
    if isinstance(genotype, StackGenotype):
        return _layout(_stacks(genotype)) + "\n"
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
    _leave_out_the_papers(data)
    _tell_provenance(genotype, data)
    return _layout(data) + "\n"


def save(genotype: AnyGenotype, path: str | os.PathLike[str], *, partial: bool = False) -> None:
    """Write a genotype file, replacing an existing one in one step; the arguments are those of `dumps`.

    Raises:
        GenotypeError: a feature's channels are not known, and the file need be complete.
        BmnasError: the file cannot be written.
        TypeError: it is given no genotype. It takes no path for one, or two paths in the wrong order would do harm.
    """
    if not isinstance(genotype, Genotype | StackGenotype):
        raise TypeError(f"a Genotype is saved, not a {type(genotype).__name__}; bmnas.load reads one from a file")
    write_atomically(path, dumps(genotype, partial=partial))


def _stacks(genotype: StackGenotype) -> dict[str, Any]:
    """An encoder-decoder genotype as plain data, without what is left to a task or not said."""
    data = genotype.model_dump(mode="json")
    stacks_from_dict(data, genotype.name)  # `model_copy` checks nothing, and a broken file must not be written
    for each in data["inputs"]:
        for key in [key for key, value in each.items() if value is None or value is False]:
            del each[key]
    for stack in data["stacks"]:
        if stack["memory"] is None:
            del stack["memory"]
    if data["head"]["outputs"] is None:
        del data["head"]["outputs"]
    _tell_provenance(genotype, data)
    return data


def _tell_provenance(genotype: AnyGenotype, data: dict[str, Any]) -> None:
    if genotype.provenance is None:
        del data["provenance"]
    else:
        data["provenance"] = genotype.provenance.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def _leave_out_the_papers(data: dict[str, Any]) -> None:
    """What the paper's networks do not have is said where a network has it, so that their files stay as they were."""
    for feature in data["features"]:
        if feature["scale"] == "none":
            del feature["scale"]
    if data["join"] == "concat":
        del data["join"]
    if data["members"] == 1:
        del data["members"]


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
