"""Features as one word on a command line: ``Video_3:2048,Skeleton_4:512:sequence``."""

from __future__ import annotations

import re

from pydantic import ValidationError

from bmnas.errors import GenotypeError, did_you_mean
from bmnas.genotype.checks import short
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
    try:
        return Feature.model_validate(
            {
                "name": name,
                "modality": _NUMBER.sub("", name) or name,
                "channels": int(channels) if channels else None,
                "reshape": reshape,
            }
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"].strip()
        raise GenotypeError(
            f"feature {number} ({short(name)}) cannot be one: {problem[:1].lower()}{problem[1:]}"
        ) from None
