"""Lines for a log, a pipe or a file: one for each phase, one for each epoch of a search, and none too seldom."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from bmnas.searcher.meter.display import Display, Phase
from bmnas.searcher.meter.remaining import Remaining

# Seconds after which a phase that goes on has a line again.
_SELDOM = 10.0


class Lines(Display):
    """Writes each line when it is true, and the time that is left behind it.

    Args:
        remaining: tells it.
        stream: standard error if left out.
        clock: in seconds.
    """

    def __init__(
        self, remaining: Remaining, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._remaining, self._stream, self._clock = remaining, stream or sys.stderr, clock
        self._last: float | None = None  # when there was a line, or the first news

    def now(self, phase: Phase) -> None:
        """See `Display.now`: a line where the last one was long ago."""
        self._last = self._clock() if self._last is None else self._last
        if self._clock() - self._last >= _SELDOM and not 0 < phase.total <= phase.done:
            info = f", {phase.info}" if phase.info else ""
            self._write(f"{phase.name}: {phase.count or 'goes on'}{info}{self._left()}")

    def step(self, phase: Phase, sentence: str) -> None:
        """See `Display.step`."""
        self._write(f"{sentence}{self._left()}")

    def over(self, phase: Phase, sentence: str) -> None:
        """See `Display.over`."""
        self._write(f"{sentence}{self._left() if self._remaining.seconds() else ''}")

    def say(self, sentence: str) -> None:
        """See `Display.say`."""
        self._write(sentence)

    def _left(self) -> str:
        words = self._remaining.in_words()
        return f"; {words}" if words else ""

    def _write(self, line: str) -> None:
        self._stream.write(f"bmnas: {line}\n")
        self._stream.flush()
        self._last = self._clock()
