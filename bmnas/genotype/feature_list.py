"""Features from what a user or a task says: one word of a command line (``Video_3:2048,Skeleton_4:512``), or values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bmnas.errors import GenotypeError, did_you_mean, short
from bmnas.genotype.problems import told
from bmnas.genotype.schema import Feature

RESHAPES = ("sequence", "grid", "none")

_MOST = 4096  # as in `schema.py`
_NUMBER = re.compile(r"_[0-9]+\Z")


def parse_features(text: str) -> tuple[Feature, ...]:
    """Features from ``NAME[:CHANNELS[:RESHAPE]]``, separated by commas.

    The modality is the name without a number at its end: ``Video`` for ``Video_3``.

    Raises:
        GenotypeError: the text is not such a list; the message names the item.
    """
    items = text.split(",")
    if len(items) > _MOST:
        raise GenotypeError(f"the features are {len(items)}, but a genotype has at most {_MOST}")
    features = tuple(_feature(item.strip(), i) for i, item in enumerate(items, 1))
    seen: set[str] = set()
    for i, feature in enumerate(features, 1):
        if feature.name in seen:
            raise GenotypeError(f"feature {i} is {short(feature.name)}, which an earlier feature has as its name")
        seen.add(feature.name)
    return features


def feature_of(values: Mapping[str, Any], what: str) -> Feature:
    """A feature with these values.

    Args:
        values: by field.
        what: it is, as the beginning of a sentence.

    Raises:
        GenotypeError: no feature can have such a value; the message names it.
    """
    try:
        return Feature.model_validate(dict(values))
    except ValidationError as error:
        place, problem = told(error.errors(include_url=False)[0])
        raise GenotypeError(f"{what} cannot be one: its {place} {problem}") from None


def _feature(item: str, number: int) -> Feature:
    name, *rest = (part.strip() for part in item.split(":"))
    if not name or len(rest) > 2:
        raise GenotypeError(
            f"feature {number} is {short(item)}, but it should be NAME, NAME:CHANNELS or NAME:CHANNELS:RESHAPE"
        )
    channels = rest[0] if rest else ""
    if channels and not (channels.isascii() and channels.isdigit() and len(channels) <= 7 and int(channels)):
        raise GenotypeError(
            f"feature {number} ({short(name)}) has {short(channels)} channels, but it should be a number such as 512"
        )
    reshape = rest[1] if len(rest) == 2 else "sequence"
    if reshape not in RESHAPES:
        raise GenotypeError(
            f"feature {number} ({short(name)}) has the reshape {short(reshape)}, which does not exist"
            f"{did_you_mean(reshape, RESHAPES)}"
        )
    return feature_of(
        {
            "name": name,
            "modality": _NUMBER.sub("", name) or name,
            "channels": int(channels) if channels else None,
            "reshape": reshape,
        },
        f"feature {number} ({short(name)})",
    )
