"""What follows a search in a tool for experiments; whatever goes wrong there, the search goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bmnas.errors import BmnasError
from bmnas.fit.events import TrainingEpochDone
from bmnas.searcher.events import ChoiceDone, RoundDone, Row, RunnerUp, SelectionDone
from bmnas.searcher.meter import Listener, Report
from bmnas.searcher.run.board import scalars
from bmnas.tasks import Remark


class Tracker(ABC):
    """One tool. A subclass is a file of its own, and a line in `bmnas.searcher.trackers`.

    Args:
        folder: the run folder.
        settings: of the search, as JSON values.

    Attributes:
        name: as ``--log-to`` takes it; that of the package that is imported.
    """

    name: str

    @abstractmethod
    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def log(self, values: Mapping[str, float], step: int) -> None:
        """Note numbers by name.

        Args:
            values: the numbers.
            step: the round, or the epoch of a training.
        """

    @abstractmethod
    def keep(self, files: Sequence[Path]) -> None:
        """Note files of the result."""

    @abstractmethod
    def close(self) -> None:
        """The search is over, or was stopped."""


class Tracking(Listener):
    """Passes events on, and tells trackers what they are about.

    Args:
        report: what else is told.
        trackers: by name.
    """

    def __init__(self, report: Report, trackers: Mapping[str, Tracker]) -> None:
        self._report, self._trackers = report, dict(trackers)

    def __call__(self, event: Any) -> None:
        """Something happened."""
        self._report(event)
        values, step = _told(event)
        if values:
            self._each(lambda tracker: tracker.log(values, step))

    def keep(self, files: Sequence[Path]) -> None:
        """Let them note files that are there."""
        there = [file for file in files if file.exists()]
        self._each(lambda tracker: tracker.keep(there))

    def close(self) -> None:
        """Let them end."""
        self._each(lambda tracker: tracker.close())

    def _each(self, do: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                do(tracker)
            except (
                Exception
            ) as error:  # a network that is gone, a full disk, a key that is wrong: none may stop a search
                del self._trackers[name]
                self._report(Remark(f"nothing more is told to {name}: {_in_a_line(error)}"))


@contextmanager
def tracking(
    kinds: Mapping[str, type[Tracker]],
    report: Report,
    folder: Path,
    settings: Mapping[str, Any],
) -> Iterator[tuple[Report, Tracking]]:
    """What to call with events inside the block, and the trackers that follow.

    Args:
        kinds: which, by name.
        report: what else is told.
        folder: the run folder.
        settings: of the search.

    Raises:
        BmnasError: one cannot begin; it says why.
    """
    begun: dict[str, Tracker] = {}
    for name, kind in kinds.items():
        try:
            begun[name] = kind(folder, settings)
        except ImportError:
            raise BmnasError(f"--log-to {name} needs the package {name}: pip install {name}") from None
        except Exception as error:  # libraries have errors of their own
            raise BmnasError(f"--log-to {name}: {_in_a_line(error)}") from error
    found = Tracking(report, begun)
    try:
        yield (found if begun else report), found
    finally:
        found.close()


def _told(event: Any) -> tuple[dict[str, float], int]:
    if isinstance(event, Row):
        return {f"test/{event.name}": event.test}, 0
    if isinstance(event, TrainingEpochDone):
        return {f"training/{event.name}": event.loss}, event.epoch
    if isinstance(event, RoundDone) and not isinstance(event, RunnerUp | SelectionDone | ChoiceDone):
        return {f"seed{event.seed}/{tag}": value for tag, value in scalars(event).items()}, event.round
    return {}, 0


def _in_a_line(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:200]}" if words else type(error).__name__
