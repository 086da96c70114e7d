"""Who is told what: nobody, a function of the caller's, or a person at a terminal or in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from rich.console import Console

from bmnas.errors import BmnasError, short
from bmnas.fit.events import Event
from bmnas.searcher.meter.bars import Notebook, Terminal
from bmnas.searcher.meter.display import Display
from bmnas.searcher.meter.lines import Lines
from bmnas.searcher.meter.meter import Listener, Meter
from bmnas.searcher.meter.remaining import Remaining
from bmnas.searcher.outline import Outline
from bmnas.tasks import Progress, Remark, Tick

Report = Callable[[Event | Progress | Remark], None]

Reporting = Report | Literal["auto"] | None
"""What a function's ``report`` may be. ``"auto"``: a bar in a terminal and in a notebook, nothing elsewhere. ``None``:
nothing. A function: it is called with every event."""


@contextmanager
def reporting(report: Reporting) -> Iterator[Report]:
    """What to call with events while the block runs.

    Raises:
        BmnasError: it is none of what it may be.
    """
    if isinstance(report, Listener):
        yield report
    elif report is None:
        yield lambda event: None
    elif callable(report):
        yield lambda event: None if isinstance(event, Tick | Outline) else report(event)
    elif report != "auto":
        raise BmnasError(f'report is {short(report)}: it is "auto", None, or a function that is called with events')
    elif (display := _quiet_display(remaining := Remaining())) is None:
        yield lambda event: None
    else:
        with Meter(display, remaining) as meter:
            yield meter


def command_meter(*, remarks: bool = True) -> Meter:
    """What a command shows, on standard error: bars in a terminal, lines elsewhere; ``remarks``: see `Meter`."""
    remaining = Remaining()
    display = Terminal(remaining, quiet=False) if _is_terminal() else Lines(remaining)
    return Meter(display, remaining, remarks=remarks)


def _quiet_display(remaining: Remaining) -> Display | None:
    if _is_notebook():
        return Notebook(remaining)
    return Terminal(remaining, quiet=True) if _is_terminal() else None


def _is_notebook() -> bool:
    return Console().is_jupyter


def _is_terminal() -> bool:
    """Whether standard error is one that can move its cursor; rich would take a log with $FORCE_COLOR for one."""
    console: Any = Console(stderr=True)
    return sys.stderr is not None and sys.stderr.isatty() and not console.is_dumb_terminal
