"""What trainings of networks on cached features share that are one `Fit`: where they stand, and how far they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Protocol, TypeVar, cast

from bmnas.fit.checkpoint import Keeper, Resumable
from bmnas.fit.clock import Clock
from bmnas.fit.events import EpochEnd, Event, MicroBatch, Pause, TrainingEpochDone
from bmnas.fit.fit import Fit
from bmnas.tasks import Progress, Remark, Tick


class Timed(Resumable, Protocol):
    """A training that knows how far it is, and how long it took."""

    @property
    def tick(self) -> Tick:
        """How far it is, for displays."""
        ...

    def start(self) -> None:
        """What has passed since the training was made or read was not work."""
        ...


T = TypeVar("T", bound=Timed)


def gone_through(
    new: Callable[[], T], keeper: Keeper | None, report: Callable[[Event | Progress | Remark], None] | None = None
) -> T:
    """A training with all its steps done, from where a keeper has it.

    Args:
        new: begins it.
        keeper: keeps it while it goes on; it is done from the beginning, and kept nowhere, if left out.
        report: called with its events; with how far it is in place of pauses.

    Raises:
        Diverged: a loss or a weight is no number.
    """
    training = keeper.resumed(new) if keeper else new()
    if report and (begun := training.tick).done:
        report(Remark(_continues(begun)))
    training.start()
    steps = keeper.steps(training) if keeper else training.steps()
    # Closed even where an error's traceback still refers to it, so that the caller has his random numbers back.
    with closing(cast("Generator[Event]", steps)) as events:
        for event in events:
            if report:
                report(training.tick if isinstance(event, Pause) else event)
    return training


def _continues(begun: Tick) -> str:
    """Where a training goes on, as a sentence."""
    if begun.done >= begun.total:
        return f"the {begun.phase} is already finished"
    return f"continuing the {begun.phase} at epoch {int(begun.done) + 1} of {begun.total}"


class FitTraining(ABC):
    """A training that can be stopped at any step.

    Args:
        title: what it is called.

    Attributes:
        fit: what trains; set when it is made, and `_epochs` with it.
    """

    fit: Fit
    _epochs: int

    def __init__(self, title: str) -> None:
        self._title, self._clock = title, Clock()
        self._loss: float | None = None  # of the last epoch

    @property
    def place(self) -> str:
        """Where the training stands, as a part of a sentence."""
        return f"in the training of {self._title}, {self.fit.place}"

    @property
    def tick(self) -> Tick:
        """How far it is, for displays."""
        loss = "" if self._loss is None else f"loss {self._loss:.3f}"
        return Tick(f"training of {self._title}", self.fit.passed, self._epochs, loss, "epochs")

    @property
    def seconds(self) -> float:
        """Wall time of the training, once it is finished."""
        return self._clock.spent

    def start(self) -> None:
        """What has passed since the training was made or read was not work."""
        self._clock.start()

    def steps(self) -> Iterator[Pause | MicroBatch | TrainingEpochDone]:
        """Do what remains, a pause after each step and each epoch.

        Raises:
            Diverged: a loss or a weight is no number.
        """
        for event in self.fit.steps():
            if not isinstance(event, EpochEnd):
                yield event
                continue
            self._loss = loss = self._epoch_done(event)
            yield TrainingEpochDone(name=self._title, epoch=event.epoch, epochs=self._epochs, loss=loss)

    @abstractmethod
    def _epoch_done(self, event: EpochEnd) -> float:
        """The loss of an epoch that is over."""
