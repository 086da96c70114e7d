"""One thing that differs between two genotypes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Attributes:
        kind: ``"added"`` where only the second genotype has it, ``"removed"`` where only the first has it.
        place: where it is in the file, such as ``cells[1].steps[0]``; in the first genotype, unless it was added.
        words: how it differs, as the end of a sentence that begins with the place.
    """

    kind: Kind
    place: str
    words: str

    def __str__(self) -> str:
        return f"{self.place} {self.words}"
