"""What trainings of networks on cached features share that are one `Fit`: where they stand, and how far they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from bmnas.fit.clock import Clock
from bmnas.fit.events import EpochEnd, MicroBatch, Pause, TrainingEpochDone
from bmnas.fit.fit import Fit
from bmnas.tasks import Tick


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
