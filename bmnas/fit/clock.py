"""The wall time of rounds, which goes on after a stop."""

from __future__ import annotations

import time
from typing import Any


class Clock:
    """Measures one round after the other.

    Attributes:
        spent: seconds of the rounds that are over.
    """

    def __init__(self) -> None:
        self.spent = 0.0
        self._before = 0.0  # of this round, in earlier processes
        self._since = time.perf_counter()

    def start(self) -> None:
        """What has passed since the process had this clock was not work."""
        self._since = time.perf_counter()

    def lap(self) -> float:
        """End a round and begin the next. Returns the seconds that it took."""
        seconds = self._now()
        self.spent += seconds
        self._before, self._since = 0.0, time.perf_counter()
        return seconds

    def state(self) -> dict[str, float]:
        """Plain values."""
        return {"spent": self.spent, "seconds": self._now()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self.spent, self._before = float(state["spent"]), float(state["seconds"])
        self._since = time.perf_counter()

    def _now(self) -> float:
        return self._before + time.perf_counter() - self._since
