"""What a user sees when input is wrong: one sentence that says what was found, where, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class BmnasError(Exception):
    """Something that the user gave or asked for cannot be used; the message is one sentence for that user.

    The command line prints it and exits with code 2. Every error of the package that is not a defect of the package
    derives from it.
    """


class GenotypeError(BmnasError, ValueError):
    """A genotype that cannot be used; the message names the file and the place in it.

    Attributes:
        problems: each thing that is wrong, as ``(place, what)`` with a place such as ``cells[1].steps[0].op``; empty
            where the text could not be read as a genotype at all.
    """

    def __init__(self, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def printable(text: str) -> str:
    """The text with what a terminal obeys, and what is no Unicode, as Python writes it: ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def short(value: object) -> str:
    """A value for a message: quoted, and cut where it is long."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str) and len(value) > 80:
        return f"{value[:60]!r}... ({len(value)} characters)"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a number of more than 75 digits"
    if isinstance(value, dict | list | tuple) and len(value) > 16:
        return f"{_PLAIN[type(value)]} of {len(value)} items"
    try:
        text = repr(value)
    except RecursionError:
        return f"{_PLAIN[type(value)]} that is nested very deeply"
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """``"; did you mean 'Sum'?"`` for the nearest known name, or else a list of the known names (at most eight)."""
    name = name.casefold()[:200]
    names = list(known)
    folded = {other.casefold(): other for other in reversed(names[: _comparable(name, names)])}
    close = difflib.get_close_matches(name, folded, n=1, cutoff=cutoff)
    if close:
        return f"; did you mean {folded[close[0]]!r}?"
    if not names:
        return ""
    shown = [repr(other) for other in names[:8]]
    while len(shown) > 1 and sum(map(len, shown)) > 300:
        shown.pop()
    more = len(names) - len(shown)
    return f"; known: {', '.join(shown)}" + (f" and {more} more" if more else "")


def _comparable(name: str, names: Sequence[str]) -> int:
    """How many of the names can be compared with one in some milliseconds: the time is that of their product."""
    work = 0
    for number, other in enumerate(names[:200]):
        work += len(name) * len(other)
        if work > 60_000:
            return number + 1
    return 200


_PLAIN: dict[type, str] = {dict: "an object", list: "a list", tuple: "a list"}
