"""What a selection has measured, so that one which was stopped need not measure it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Looks:
    """Numbers in the order in which they were measured.

    A selection asks the same questions in the same order every time, so one that is repeated gets its first answers
    from here.

    Args:
        known: what was measured before.

    Attributes:
        values: all that has been measured.
        count: how many of them the selection under way has asked for.
    """

    def __init__(self, known: Sequence[float] = ()) -> None:
        self.values = list(known)
        self.count = 0

    def __call__(self, measure: Callable[[], float]) -> float:
        """The next number: a known one, or else what is measured now."""
        if self.count == len(self.values):
            self.values.append(measure())
        self.count += 1
        return self.values[self.count - 1]
