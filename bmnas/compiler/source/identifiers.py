"""Names of a genotype in source: as strings, or as identifiers made from them; never as they are."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

# What the source itself uses.
TAKEN = frozenset({"torch", "nn", "F", "self", "features", "annotations", "load", "Network", "Conv1x1", "Scale"})


def quoted(name: str) -> str:
    """A name as a string literal. What a reader might not see is escaped."""
    return f'"{"".join(map(_literal, name))}"'


def identifiers(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """For each name an identifier of its own, as near to it as possible: ``Video_3`` -> ``video_3``."""
    used = {*TAKEN, *taken}
    found: dict[str, str] = {}
    for name in names:
        base = identifier(name).lower()
        found[name] = _unused(base, used)
        used.add(found[name])
    return found


def class_name(name: str, used: set[str]) -> str:
    """A name for a class, ``Cell_1`` -> ``Cell1``, that is none of those used; it is added to them."""
    parts = [part for part in identifier(name).split("_") if part]
    text = identifier("".join(part[0].upper() + part[1:] for part in parts))
    found = _unused(text, used | TAKEN)
    used.add(found)
    return found


def identifier(name: str) -> str:
    """A name with everything replaced that an identifier cannot have."""
    # Python reads identifiers in this normal form, in which two names may be the same.
    text = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name))
    text = text if text.isidentifier() else f"n{text}"
    text = text if text.isidentifier() else re.sub(r"[^A-Za-z0-9_]", "_", text)
    return text.lstrip("_") if text.lstrip("_").isidentifier() else f"n{text}"


def _literal(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


def _unused(base: str, used: set[str]) -> str:
    text, number = base, 2
    while text in used or keyword.iskeyword(text) or keyword.issoftkeyword(text) or hasattr(builtins, text):
        text, number = f"{base}_{number}", number + 1
    return text
