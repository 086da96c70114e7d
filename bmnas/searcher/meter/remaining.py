"""How long work goes on: by the time that its phases took so far, and by what those that are to come should cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bmnas.searcher.outline import Stage

# Seconds of work that say how fast it is; less may be what happens but once, such as reading code.
_ENOUGH = 1.0


@dataclass
class _Seen:
    """What has been seen of a phase: when and where it began, when and where it is, as shares of the whole."""

    begun: float
    first: float
    now: float
    share: float

    @property
    def seconds(self) -> float:
        return self.now - self.begun

    @property
    def done(self) -> float:
        return self.share - self.first


class Remaining:
    """The time left of work in phases.

    Args:
        clock: in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: list[Stage] = []
        self._seen: dict[str, _Seen] = {}
        self._last, self._is_known, self._then = "", False, ""
        self._over: set[str] = set()

    def expect(self, stages: Sequence[Stage], then: str = "") -> None:
        """Take an outline: its phases stand where the first of them stood that was known, or at the end.

        Args:
            stages: its phases.
            then: see `Outline.then`.
        """
        if self._then:
            self._stages = []
        self._is_known, self._then = True, then
        own = {stage.phase for stage in stages}
        at = next((i for i, stage in enumerate(self._stages) if stage.phase in own), len(self._stages))
        before, after = self._stages[:at], self._stages[at:]
        self._stages = [*before, *stages, *(stage for stage in after if stage.phase not in own)]

    def at(self, phase: str, share: float) -> None:
        """So much of a phase is done, from 0 to 1. The phases before it are over."""
        now = self._clock()
        seen = self._seen.setdefault(phase, _Seen(now, share, now, share))
        seen.now, seen.share, self._last = now, max(seen.share, share), phase

    def in_words(self) -> str:
        """What is left, for people: of all; up to what comes then; or, where nobody has said what there is to do, of
        the phase.
        """
        whole, own = self.seconds(), self.of_phase()
        if whole is not None:
            before = f" before {self._then}" if self._then else ""
            return f"{in_words(whole)} left{before}" if whole else ""
        if not self._is_known:
            return f"{in_words(own)} left" if own else ""
        return "estimating the time left" + (f"; {in_words(own)} for this" if own else "")

    def over(self, phase: str) -> None:
        """Nothing of a phase is left, however much of it was done."""
        self._over.add(phase)

    @property
    def is_one(self) -> bool:
        """Whether the outline has one phase alone."""
        return len(self._stages) == 1

    def seconds(self) -> float | None:
        """The time left; ``None`` where too little has been seen."""
        at = next((i for i, stage in enumerate(self._stages) if stage.phase == self._last), None)
        if at is None:
            return None
        parts = [self._of(stage) for stage in self._stages[at:] if stage.phase not in self._over]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    def of_phase(self) -> float | None:
        """The time left of the phase that is under way; ``None`` where too little of it has been seen."""
        seen = self._seen.get(self._last)
        if seen is None or seen.done <= 0 or seen.seconds < _ENOUGH:
            return None
        return seen.seconds / seen.done * (1 - seen.share)

    def _of(self, stage: Stage) -> float | None:
        seen = self._seen.get(stage.phase)
        if seen is not None and seen.done > 0 and seen.seconds >= _ENOUGH:
            return seen.seconds / seen.done * (1 - seen.share)
        speed = self._speed(stage.kind)
        return None if speed is None else speed * stage.cost * (1 - seen.share if seen else 1)

    def _speed(self, kind: str) -> float | None:
        """Seconds for a unit of cost: of phases of that kind, or else of all."""
        for among in ((kind,), tuple({stage.kind for stage in self._stages})):
            pairs = [
                (seen.seconds, stage.cost * seen.done)
                for stage in self._stages
                if stage.kind in among and (seen := self._seen.get(stage.phase)) is not None
            ]
            seconds, cost = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
            if seconds >= _ENOUGH and cost > 0:
                return seconds / cost
        return None


def in_words(seconds: float) -> str:
    """A time as people say it: about 40 s, about 3 min, about 2 h 10 min."""
    if seconds < 57.5:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(5 * round(minutes / 5), 60)
    return f"about {hours} h" + (f" {rest} min" if rest else "")


def took(seconds: float) -> str:
    """A time that is over: 0.3 s, 42 s, 3 min 20 s, 2 h 10 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    return f"{minutes // 60} h {minutes % 60} min"
