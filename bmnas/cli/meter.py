"""Progress of long work on a terminal: bars with loss, validation score and time left. Silent elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bars, TaskID


class Meter:
    """A context in which `update` shows events of the library, on standard error."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._ids: dict[str, TaskID] = {}

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
        if self._bars is None:
            return
        from bmnas.searcher import EpochDone, TrainingEpochDone
        from bmnas.tasks import Progress

        match event:
            case Progress():
                self._show(event.phase, event.done, event.total, event.info)
            case EpochDone():
                best = " best" if event.best else ""
                self._show(
                    "search", event.epoch, event.epochs, f"loss {event.loss:.3f}, validation {event.score:.4f}{best}"
                )
            case TrainingEpochDone():
                self._show(f"train {event.name}", event.epoch, event.epochs, f"loss {event.loss:.3f}")

    def _show(self, phase: str, done: int, total: int, info: str) -> None:
        assert self._bars is not None
        if phase not in self._ids:
            self._ids[phase] = self._bars.add_task(phase[:24], total=total, info="")
        self._bars.update(self._ids[phase], completed=done, total=total, info=info)
