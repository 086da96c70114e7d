"""``bmnas runs``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bmnas.cli.options import Json

if TYPE_CHECKING:
    from bmnas.report.runs import RunLine

_SHOWN = 6  # settings of a run in the table
_MANY = 100  # runs
_HEADINGS = ("run", "task", "strategy", "settings that differ", "state", "validation", "test", "age")
_NUMBERS = 3  # the last columns


def runs(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where run folders lie, at any depth.", show_default="runs")
    ] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the run folders below a folder: task, strategy, settings that differ, state, scores, age.

    The one that changed last comes last. A run that is interrupted says where, one that failed why.

    Example: bmnas runs

    Example: bmnas runs . --json
    """
    from bmnas.cli.shown import tell
    from bmnas.report.runs import list_runs

    found = list_runs(folder)
    if as_json:
        typer.echo(json.dumps([_plain(line) for line in found], indent=2))
    elif not found:
        tell(f"{folder}: has no run folders; bmnas search makes one.")
    else:
        _show(found, folder)


def _plain(line: RunLine) -> dict[str, Any]:
    return {**vars(line), "folder": str(line.folder), "age": round(line.age, 1)}


def _show(found: list[RunLine], folder: Path) -> None:
    rows = [_row(line, folder) for line in found]
    if len(rows) <= _MANY:
        _show_table(rows)
        return
    # A line each, for grep and less: laying out so many cells would take longer than reading the runs.
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    for row in (_HEADINGS, *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _show_table(rows: list[tuple[str, ...]]) -> None:
    from rich import box
    from rich.table import Table

    from bmnas.cli.shown import show_table

    table = Table(*_HEADINGS[:-_NUMBERS], box=box.SIMPLE_HEAD)
    for heading in _HEADINGS[-_NUMBERS:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    show_table(table)


def _row(line: RunLine, folder: Path) -> tuple[str, ...]:
    from bmnas.errors import printable

    name = line.folder.relative_to(folder) if line.folder != folder else line.folder
    words = (str(name), line.task, line.strategy, _settings(line), _state(line))
    scores = (_score(line.validation, line.metric), _score(line.test, line.metric))
    return (*map(printable, words), *scores, age(line.age))


def _settings(line: RunLine) -> str:
    told = [f"{name.rpartition('.')[2]} {value}" for name, value in line.differing.items()]
    more = len(told) - _SHOWN
    return ", ".join(told[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _state(line: RunLine) -> str:
    where = f" {line.where}" if line.where else ""
    return f"{line.state}{where}" + (f": {line.why}" if line.why else "")


def _score(value: float | None, metric: str) -> str:
    if value is None:
        return ""
    return f"{100 * value:.2f} %" if metric == "accuracy" else f"{value:.4f}"


def age(seconds: float) -> str:
    """``40 s``, ``12 min``, ``5 h``, ``3 days``."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
