"""Progress of long work on a terminal: bars with loss, validation score and time left. Silent elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

if TYPE_CHECKING:
    from rich.progress import Progress as Bars, TaskID


class Meter:
    """A context in which `update` shows events of the library, on standard error."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._ids: dict[str, TaskID] = {}
        self._seed: int | None = None  # the first that was heard of

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        console = Console(stderr=True)
        if console.is_terminal:
            self._bars = Progress(
                # Together at most 80 columns, so that the time left is never cut off.
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=10),
                MofNCompleteColumn(),
                TextColumn("{task.fields[info]}", markup=False),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
                console=console,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def update(self, event: Any) -> None:
        """Show one event."""
        from bmnas.searcher import CandidateDone, EpochDone, MicroBatch, SelectionDone, TrainingEpochDone
        from bmnas.tasks import Progress, Remark

        if isinstance(event, MicroBatch):
            self._say(
                f"memory ran out with {event.batch} samples at once; from now on {event.samples} at a time, with the "
                f"gradient of all {event.batch}"
            )
        if isinstance(event, Remark):
            self._say(event.sentence)
        if self._bars is None:
            return
        match event:
            case Progress():
                self._show(event.phase, event.done, event.total, event.info)
            case EpochDone() | CandidateDone():
                best = " best" if event.best else ""
                phase = self._of_seed("search" if isinstance(event, EpochDone) else "candidates", event.seed)
                info = f"loss {event.loss:.3f}, validation {event.score:.4f}{best}"
                self._show(phase, event.round, event.rounds, info)
            case SelectionDone():
                phase = self._of_seed("selection", event.seed)
                self._show(phase, event.round, event.rounds, f"validation {event.score:.4f}")
            case TrainingEpochDone():
                self._show(f"train {event.name}", event.epoch, event.epochs, f"loss {event.loss:.3f}")

    def _of_seed(self, phase: str, seed: int) -> str:
        """Seeds have bars of their own; only the first is not named, because mostly there is no other."""
        if self._seed is None:
            self._seed = seed
        return phase if seed == self._seed else f"{phase}, seed {seed}"

    def _say(self, sentence: str) -> None:
        """A line of its own, which stays, on a terminal or not."""
        if self._bars is not None:
            self._bars.console.print(f"bmnas: {sentence}", markup=False, highlight=False)
        else:
            typer.echo(f"bmnas: {sentence}", err=True)

    def _show(self, phase: str, done: int, total: int | None, info: str) -> None:
        assert self._bars is not None
        if phase not in self._ids:
            self._ids[phase] = self._bars.add_task(phase[:24], total=total, info="")
        self._bars.update(self._ids[phase], completed=done, total=total, info=info)
