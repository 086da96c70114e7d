"""What a check has found in a genotype: an error or a warning, where it is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """An error, a warning or a note.

    Attributes:
        level: an ``"error"`` cannot be compiled; a ``"warning"`` can, and is probably a mistake or a waste; a
            ``"note"`` is worth knowing, and no mistake.
        code: what kind of finding it is, as ``unused-step``.
        place: where, by index, as ``cells[1].steps[0]``; empty for the whole file.
        name: the same by name, as ``Cell_2 / Step_1``; empty in errors, where names may be what is wrong.
        problem: what is wrong, as the end of a sentence that begins with the place.
        advice: what to do about it; empty in errors, whose problem says what would be right.
    """

    level: Literal["error", "warning", "note"]
    code: str
    place: str
    name: str
    problem: str
    advice: str

    def __str__(self) -> str:
        where = f"{self.place} ({self.name})" if self.name else self.place
        return f"{where} {self.problem}{'; ' if self.advice else ''}{self.advice}".lstrip()


def warning(code: str, place: str, name: str, problem: str, advice: str) -> Finding:
    """A finding of level ``"warning"``."""
    return Finding("warning", code, place, name, problem, advice)


def note(code: str, place: str, name: str, problem: str, advice: str) -> Finding:
    """A finding of level ``"note"``."""
    return Finding("note", code, place, name, problem, advice)
