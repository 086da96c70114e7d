"""Names that a genotype is given by a program: as long as a name may be, and never the same for two different texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

LONGEST = 200  # characters of any name


def fitting(name: str) -> str:
    """The name, or what can stand for it: where it is too long or cannot be printed, its beginning and a checksum."""
    if 0 < len(name) <= LONGEST and name.isprintable():
        return name
    printable = "".join(character if character.isprintable() else "?" for character in name)
    mark = f"...{_checksum(name)}"
    return f"{printable[: LONGEST - len(mark)]}{mark}"


def joined(names: Sequence[str], by: str = " + ") -> str:
    """The names in a row; of many, the first ones, how many they are, and a checksum of all.

    Example:
        >>> joined(["Video_3", "Skeleton_4"])
        'Video_3 + Skeleton_4'
        >>> joined([f"sensor{number}" for number in range(50)])[144:]
        'sensor14 + sensor15 + ... (50 features) 517d7702'
    """
    whole = by.join(names)
    if len(whole) <= LONGEST:
        return fitting(whole)
    end = f"... ({len(names)} features) {_checksum(whole)}"
    begin = ""
    for name in names:
        if len(begin) + len(name) + len(by) + len(end) > LONGEST:
            break
        begin += name + by
    return fitting(begin + end)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
