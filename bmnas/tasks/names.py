"""Names as people write them: an exact one goes first, then one that differs in case or Unicode composition alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from bmnas.errors import BmnasError, did_you_mean, short


def composed(name: str) -> str:
    """The name with letters and accents put together (NFC), in which names that look alike are mostly equal."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """The name without the differences of case and composition, by Unicode's rule for caseless matching."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def found(name: str, known: Iterable[str], *, caseless: bool = False) -> list[str]:
    """Of the known names the one that is written so; else all that differ in composition alone, or also in case."""
    names = list(known)
    if name in names:
        return [name]
    same = [other for other in names if composed(other) == composed(name)]
    return same or [other for other in names if caseless and folded(other) == folded(name)]


def named(name: str, known: Iterable[str], what: str, owner: str) -> str:
    """The known name that a name stands for; upper and lower case are one unless they tell two names apart.

    Args:
        name: as a person wrote it.
        known: the names that there are.
        what: they are names of.
        owner: who has them, as messages begin: ``task digits``.

    Raises:
        BmnasError: it stands for none, or may stand for several.
    """
    names = list(known)
    several = found(name, names, caseless=True)
    if not several:
        raise BmnasError(f"{owner} has no {what} {short(name)}{did_you_mean(name, names)}")
    if len(several) > 1:
        shown = " and ".join(short(other) for other in several[:4])
        raise BmnasError(f"{owner} has {shown}, and {what} {short(name)} may be each of them; write it as it is there")
    return several[0]


def alike(names: Iterable[str]) -> tuple[str, str] | None:
    """Two different names that look the same, because only the composition of their letters differs; if there are."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(composed(name), name)
        if other != name:
            return other, name
    return None
