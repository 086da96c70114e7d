"""The features of an `ArrayTask`: what each array is, and whether the arrays fit together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any, TypeVar

from pydantic import ValidationError

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.genotype import Feature
from bmnas.tasks import names
from bmnas.tasks.arrays.rows import Rows

T = TypeVar("T")


def modality_of(feature: str) -> str:
    """The modality that a feature's name suggests: ``Video`` for ``Video_3``, ``Audio`` for ``Audio``."""
    return re.sub(r"(?<=.)_\d+$", "", feature)


def listed(rows: Mapping[str, Rows], modalities: Mapping[str, str], reshape: Mapping[str, str]) -> tuple[Feature, ...]:
    """The features, those of a modality together.

    Args:
        rows: the features by name.
        modalities: where the names should not tell them.
        reshape: where it is not ``sequence``.
    Raises:
        BmnasError: a name is not that of a feature, or a reshape does not fit the shape.
    """
    for name in rows:
        if not isinstance(name, str):
            raise BmnasError(f"features has the name {name!r}, but names are text, such as 'Video_1'")
    modalities, reshape = written(modalities, rows, "modalities names"), written(reshape, rows, "reshape names")
    features = [
        _feature(name, modalities.get(name, modality_of(name)), array, reshape.get(name, "sequence"))
        for name, array in rows.items()
    ]
    for what, listed_names in (("features", rows), ("modalities", [feature.modality for feature in features])):
        if two := names.alike(listed_names):
            raise BmnasError(
                f"the {what} {short(two[0])} and {short(two[1])} look alike, but are written with other characters "
                "(Unicode composition); write them in the same way, or let them differ"
            )
    order = list(dict.fromkeys(feature.modality for feature in features))
    return tuple(sorted(features, key=lambda feature: order.index(feature.modality)))


def written(given: Mapping[str, T], rows: Mapping[str, Any], says: str) -> dict[str, T]:
    """What is given for features, by their names as the features have them, see `bmnas.tasks.names`.

    Args:
        given: by a feature's name.
        rows: the features.
        says: who names them, with a verb, as messages begin.

    Raises:
        BmnasError: there is no such feature, or there may be several, or one is named twice.
    """
    found: dict[str, T] = {}
    for name, value in given.items():
        several = names.found(name, rows) if isinstance(name, str) else []
        if not several:
            raise BmnasError(f"{says} the feature {short(name)}, which is not there{did_you_mean(str(name), rows)}")
        if len(several) > 1 or several[0] in found:
            what = "may be several" if len(several) > 1 else "is named twice"
            raise BmnasError(f"{says} the feature {short(name)}, which {what}: {', '.join(map(short, several[:4]))}")
        found[several[0]] = value
    return found


def check_counts(rows: Mapping[str, Rows], labels: int, where: str) -> None:
    """Refuse features of other numbers of samples than the first one, or than there are labels.

    Raises:
        BmnasError: the message names both.
    """
    first = next(iter(rows.values()))
    for other in rows.values():
        if other.shape[0] != first.shape[0]:
            raise BmnasError(
                f"{first.where} has {first.shape[0]} samples, but {other.where} has {other.shape[0]}; "
                "every feature needs the same samples in the same order"
            )
    if labels != first.shape[0]:
        raise BmnasError(f"{where}: has {labels} labels, but {first.where} has {first.shape[0]} samples")


def sizes(features: Sequence[Feature], rows: Mapping[str, Rows]) -> dict[str, int]:
    """The settings ``channels`` and ``length``, where the features leave no choice.

    Raises:
        BmnasError: there is no size that suits all of them.
    """
    ready = [feature.name for feature in features if feature.reshape == "none"]
    for name in ready:
        if rows[name].shape[1:] != rows[ready[0]].shape[1:]:
            raise BmnasError(
                f"{rows[ready[0]].where} and {rows[name].where} have reshape 'none', so their samples need the same "
                f"shape, but have {rows[ready[0]].shape[1:]} and {rows[name].shape[1:]}"
            )
    grid = any(feature.reshape == "grid" for feature in features)
    if ready:
        channels, length = rows[ready[0]].shape[1:]
        if grid and isqrt(length) ** 2 != length:
            raise BmnasError(
                f"{rows[ready[0]].where}: reshape 'none' makes the length {length}, but a feature with reshape 'grid' "
                "needs a square number"
            )
        return {"channels": channels, "length": length}
    return {"length": 9} if grid else {}


def _feature(name: str, modality: str, rows: Rows, reshape: Any) -> Feature:
    if name == "self":
        # It is passed to a method by its name.
        raise BmnasError(f"{rows.where}: a feature cannot be named 'self'")
    if reshape == "grid" and len(rows.shape) != 4:
        raise BmnasError(f"{rows.where}: has shape {rows.shape}, but reshape 'grid' takes (samples, channels, H, W)")
    if reshape == "none" and len(rows.shape) != 3:
        raise BmnasError(f"{rows.where}: has shape {rows.shape}, but reshape 'none' takes (samples, channels, length)")
    try:
        given = {"name": name, "modality": modality, "channels": rows.shape[1], "reshape": reshape}
        return Feature.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = first["msg"].removeprefix("Value error, ").replace("Input", "it").strip()
        raise BmnasError(f"{rows.where}: its {first['loc'][0]} is {short(first['input'])}: {problem}") from None
