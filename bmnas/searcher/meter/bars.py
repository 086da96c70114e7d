"""A bar in a terminal or in a notebook: the phase that is under way, and the time that is left for all."""

from __future__ import annotations

import importlib
import io
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from bmnas.searcher.meter.display import Display, Phase
from bmnas.searcher.meter.remaining import Remaining

_WIDTH = 100  # columns in a notebook


class Bar:
    """What is drawn: a row for the phase, and a line below it for all of the work."""

    def __init__(self, remaining: Remaining, console: Console) -> None:
        self._remaining = remaining
        self._progress = Progress(
            # Together at most 80 columns, so that the time left is never cut off.
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            _Count(),
            TextColumn("{task.fields[info]}", markup=False),
            console=console,
            auto_refresh=False,
        )
        self._name = ""

    def now(self, phase: Phase) -> None:
        """Draw the phase as it is."""
        if phase.name != self._name:  # a total that is known cannot become one that is not
            self.over()
            self._progress.add_task(phase.name[:30], total=phase.total or None, info="")
            self._name = phase.name
        row = self._progress.task_ids[0]
        self._progress.update(row, completed=phase.done, total=phase.total or None, info=phase.info)

    def over(self) -> None:
        """The phase is over: there is no row until the next one."""
        for row in self._progress.task_ids:
            self._progress.remove_task(row)
        self._name = ""

    def shown(self) -> RenderableType:
        """The picture as it is now."""
        below = self._remaining.in_words()
        rows = self._progress.make_tasks_table(self._progress.tasks)
        return Group(rows, Text(below, style="progress.remaining")) if below else rows


class Terminal(Display):
    """Bars in a terminal.

    Args:
        remaining: tells the time left.
        quiet: whether nothing is to stay on the screen but what a person should know.
        console: on standard error if left out.
    """

    def __init__(self, remaining: Remaining, *, quiet: bool, console: Console | None = None) -> None:
        self._quiet = quiet
        self._console = console or Console(stderr=True)
        self._bar = Bar(remaining, self._console)
        self._live = Live(get_renderable=self._bar.shown, console=self._console, refresh_per_second=8, transient=True)
        self._live.start()

    def now(self, phase: Phase) -> None:
        """See `Display.now`."""
        self._bar.now(phase)

    def step(self, phase: Phase, sentence: str) -> None:
        """See `Display.step`: the bar says it."""

    def over(self, phase: Phase, sentence: str) -> None:
        """See `Display.over`."""
        self._bar.over()
        if not self._quiet:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        """See `Display.say`: a line above the bars, which stays."""
        self._console.print(f"bmnas: {sentence}", markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """See `Display.close`."""
        self._live.stop()


class Notebook(Display):
    """A bar in the output of a notebook's cell; it needs what every notebook has, IPython.

    Args:
        remaining: tells the time left.
        clock: in seconds.
    """

    def __init__(self, remaining: Remaining, clock: Callable[[], float] = time.monotonic) -> None:
        self._bar = Bar(remaining, _page())
        self._clock, self._due = clock, 0.0
        self._handle: Any = None  # of what is displayed
        self._said: list[str] = []

    def now(self, phase: Phase) -> None:
        """See `Display.now`."""
        self._bar.now(phase)
        if self._clock() >= self._due:
            self._show()

    def step(self, phase: Phase, sentence: str) -> None:
        """See `Display.step`: the bar says it."""

    def over(self, phase: Phase, sentence: str) -> None:
        """See `Display.over`."""
        self._bar.over()

    def say(self, sentence: str) -> None:
        """See `Display.say`: a line above the bar, which stays."""
        self._said.append(sentence)
        self._show()

    def close(self) -> None:
        """See `Display.close`."""
        self._bar.over()
        self._show(is_over=True)

    def _show(self, is_over: bool = False) -> None:
        ipython: Any = importlib.import_module("IPython.display")  # there is one, or this is no notebook
        page = _page()
        for sentence in self._said:
            page.print(f"bmnas: {sentence}", markup=False, highlight=False, soft_wrap=True)
        if not is_over:
            page.print(self._bar.shown())
        html = page.export_html(inline_styles=True, code_format='<pre style="white-space: pre-wrap">{code}</pre>')
        shown = ipython.HTML(html if self._said or not is_over else "")
        if self._handle is None:
            self._handle = ipython.display(shown, display_id=True)
        else:
            self._handle.update(shown)
        self._due = self._clock() + 0.25


class _Count(ProgressColumn):
    """Whole steps: 3/20; of a number nobody knows, 3."""

    def render(self, task: Task) -> Text:
        """See rich."""
        of = "" if task.total is None else f"/{task.total:.0f}"
        return Text(f"{int(task.completed)}{of}", style="progress.download")


def _page() -> Console:
    # Its own colours, as a notebook is no terminal; and no display of rich's own, which would be one more each time.
    colours: Any = {"force_terminal": True, "color_system": "truecolor", "force_jupyter": False}
    return Console(file=io.StringIO(), record=True, width=_WIDTH, **colours)
