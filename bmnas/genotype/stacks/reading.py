"""Plain data as an encoder-decoder genotype, with all that is wrong told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError

from bmnas.errors import GenotypeError, short
from bmnas.genotype.checks import Patience, Problem
from bmnas.genotype.problems import LIMIT, told_in
from bmnas.genotype.schema import Provenance
from bmnas.genotype.stacks.schema import SequenceInput, Stack, StackGenotype, StackHead

# The greatest lengths of lists, by key.
_LONGEST = {"inputs": 64, "stacks": 64, "blocks": 1024, "output": 64}

_PARTS: dict[str, tuple[str, Any]] = {
    "inputs": ("an input", SequenceInput),
    "stacks": ("a stack", Stack),
    "head": ("a head", StackHead),
    "provenance": ("a provenance", Provenance),
}


def from_dict(data: Any, source: str = "genotype") -> StackGenotype:
    """An encoder-decoder genotype from plain Python data, as JSON gives it.

    Raises:
        GenotypeError: the data are not a genotype of this kind.
    """
    if not isinstance(data, Mapping):
        raise GenotypeError(f"{source}: is {short(data)}, but a genotype is a JSON object with inputs and stacks")
    found = list(islice(_too_long(data, ""), LIMIT))
    if found:
        raise _error(found, source)
    try:
        return StackGenotype.model_validate(data, context=Patience(LIMIT))
    except ValidationError as error:
        raise refusal(data, error, source) from None


def refusal(_data: Mapping[str, Any], error: ValidationError, source: str) -> GenotypeError:
    """What is wrong, from what Pydantic says of it."""
    details = list(islice(error.errors(include_url=False), LIMIT))
    parents = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
    single = [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in parents]
    found = [told_in(detail, list(StackGenotype.model_fields), _PARTS) for detail in single]
    return _error(sorted(found, key=lambda problem: "is not a key of" not in problem.text), source)


def _too_long(data: Any, place: str) -> Iterator[Problem]:
    if not isinstance(data, Mapping):
        return
    for key, most in _LONGEST.items():
        items = data.get(key)
        if isinstance(items, list | tuple) and len(items) > most:
            yield Problem(f"{place}{key}", f"has {len(items)} items, but may have at most {most}")
        elif isinstance(items, list | tuple) and key == "stacks":
            for i, item in enumerate(items):
                yield from _too_long(item, f"{place}{key}[{i}].")


def _error(found: Sequence[Problem], source: str) -> GenotypeError:
    more = len(found) - 1
    plural = "s" if more > 1 else ""
    return GenotypeError(
        f"{source}: {found[0].place} {found[0].text}" + (f" (and {more} more problem{plural})" if more else ""), found
    )
