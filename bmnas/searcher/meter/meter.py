"""`Meter`: from the events of the library to what a display shows."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from bmnas.fit.events import MicroBatch, TrainingEpochDone
from bmnas.searcher.events import CandidateDone, ChoiceDone, EpochDone, Row, SelectionDone
from bmnas.searcher.meter.display import Display, Phase
from bmnas.searcher.meter.remaining import Remaining, took
from bmnas.searcher.outline import Outline
from bmnas.tasks import Progress, Remark, Tick


class Listener(ABC):
    """A report that is told everything, ticks and outlines too."""

    @abstractmethod
    def __call__(self, event: Any) -> None:
        """Something happened."""


class Meter(Listener):
    """A context in which events are shown.

    Args:
        display: where.
        remaining: tells the time left; the display may look at it.
        remarks: whether these are shown, too.
        clock: in seconds.
    """

    def __init__(
        self,
        display: Display,
        remaining: Remaining,
        *,
        remarks: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._display, self._remaining, self._remarks, self._clock = display, remaining, remarks, clock
        self._phase: Phase | None = None
        self._seed: int | None = None  # the first that was heard of
        self._best: float | None = None  # score of the rounds of the phase that is under way

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end()
        self._display.close()

    def __call__(self, event: Any) -> None:
        """Show one event."""
        match event:
            case Outline():
                self._remaining.expect(event.stages, event.then)
            case Progress():
                self._progress(event)
            case EpochDone() | CandidateDone():
                self._round(event)
            case TrainingEpochDone() if self._remaining.is_one:
                phase = self._phase_named("training of")
                self._display.step(
                    phase, f"training of {event.name}: epoch {event.epoch} of {event.epochs}, loss {event.loss:.3f}"
                )
            case SelectionDone():
                name = self._phase_named("selection").name
                self._end(f"{name}{self._of(event.seed, name)}: validation {event.score:.4f}{self._took()}")
            case ChoiceDone():
                name = self._phase_named("final choice").name
                self._end(f"{name}: {event.chosen}{self._took()}")
            case Row():
                self._row(event)
            case MicroBatch():
                self._display.say(
                    f"memory ran out with {event.batch} samples at once; from now on {event.samples} at a time, with "
                    f"the gradient of all {event.batch}"
                )
            case Remark() if self._remarks:
                self._display.say(event.sentence)

    def update(self, event: Any) -> None:
        """The same by a name."""
        self(event)

    def _progress(self, event: Progress) -> None:
        is_new = self._phase is None or self._phase.name != event.phase
        phase = self._at(event.phase)
        if (event.done, event.total) == (1, 1) and phase.total > 1:
            phase.done = phase.total  # a last word, such as the score of a backbone
        else:
            phase.done, phase.total, phase.unit = event.done, event.total, event.unit
        phase.info = event.info if event.info or not isinstance(event, Tick) else phase.info
        if is_new and not isinstance(event, Tick) and event.info == "continued":
            self._display.say(f"{phase.name}: continuing at {_next(phase)}")
            phase.info = ""
        self._got_on(phase)
        # The epochs of a backbone are followed by its score; nothing follows elsewhere, and the next phase may be far.
        if not isinstance(event, Tick) and phase.done >= phase.total and phase.unit != "epochs":
            self._end()

    def _round(self, event: EpochDone | CandidateDone) -> None:
        kind, what = ("search", "epoch") if isinstance(event, EpochDone) else ("candidates", "candidate")
        phase = self._phase_named(kind)
        phase.done, phase.total, phase.unit = event.round, event.rounds or 0, f"{what}s"
        best = ", the best so far" if event.best else ""
        phase.info = f"loss {event.loss:.3f}, validation {event.score:.4f}"
        self._best = event.score if event.best else self._best
        self._got_on(phase)
        of = f" of {event.rounds}" if event.rounds else ""
        name = f"{phase.name}{self._of(event.seed, phase.name)}"
        self._display.step(phase, f"{name}: {what} {event.round}{of}, {phase.info}{best}")

    def _row(self, event: Row) -> None:
        # What was fitted without a training has had no phase of its own.
        name = f"training of {event.name}"
        if self._phase is not None and self._phase.name.startswith(f"{name}, seed "):
            name = self._phase.name
        self._at(name)
        best = "best epoch on the test split" if event.protocol == "official" else "test"
        self._end(f"{name}: {took(event.seconds)}, {event.parameters:,} parameters, {best} {event.test:.4f}")

    def _got_on(self, phase: Phase) -> None:
        if phase.total:
            self._remaining.at(phase.name, min(1.0, phase.done / phase.total))
        self._display.now(phase)

    def _phase_named(self, kind: str) -> Phase:
        """The phase that is under way if it is of that kind; else a new one."""
        return self._phase if self._phase is not None and self._phase.name.startswith(kind) else self._at(kind)

    def _at(self, name: str) -> Phase:
        if self._phase is None or self._phase.name != name:
            self._end()
            self._phase = Phase(name, begun=self._clock())
        return self._phase

    def _end(self, sentence: str = "") -> None:
        phase, self._phase = self._phase, None
        if phase is None:
            return
        if not sentence:
            info = phase.info
            if self._best is not None:  # of the last round is said already
                info, self._best = f"best validation {self._best:.4f}", None
            sentence = f"{phase.name}: {phase.count or 'done'} in {took(self._clock() - phase.begun)}"
            sentence += f", {info}" if info else ""
        self._remaining.over(phase.name)
        self._display.over(phase, sentence)

    def _took(self) -> str:
        """How much the phase that ends now was, and how long."""
        phase = self._phase
        return f", {phase.count} in {took(self._clock() - phase.begun)}" if phase and phase.count else ""

    def _of(self, seed: int, name: str) -> str:
        """Whose it is; the first seed is not named, because mostly there is no other."""
        self._seed = seed if self._seed is None else self._seed
        return "" if seed == self._seed or name.endswith(f"seed {seed}") else f", seed {seed}"


def _next(phase: Phase) -> str:
    one = phase.unit.removesuffix("s") or "step"
    return f"{one} {int(phase.done) + 1:,} of {phase.total:,}"
