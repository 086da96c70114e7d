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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'Sum'?"`` for the nearest known name, or else a list of the known names (at most eight)."""
    all_names = list(known)
    names = all_names[:200]  # comparing with thousands would take seconds
    folded = {other.casefold(): other for other in reversed(names)}
    close = difflib.get_close_matches(name.casefold()[:200], folded, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {folded[close[0]]!r}?"
    if not names:
        return ""
    shown = ", ".join(repr(other) for other in names[:8])
    return f"; known: {shown}" + (f" and {len(all_names) - 8} more" if len(all_names) > 8 else "")
