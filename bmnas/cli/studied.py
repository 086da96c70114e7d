"""What ``bmnas ablate`` and ``bmnas compare`` share: options, and how a study is shown and written."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from bmnas.cli.help import OUTPUT
from bmnas.cli.shown import show_table, tell

if TYPE_CHECKING:
    from bmnas.study import Study

SEEDS = 5
"""With how many seeds each row is made, where that is left out."""

TrainEpochs = Annotated[
    int | None,
    typer.Option(
        "--train-epochs",
        min=1,
        metavar="EPOCHS",
        help="Epochs of each training, at most.",
        show_default="the task's own, or else 50",
        rich_help_panel="Rows",
    ),
]
StudyFolder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FOLDER",
        help="Folder of the study; what it has is not made again.",
        show_default="studies/...",
        rich_help_panel=OUTPUT,
    ),
]


def typed() -> str:
    """The command as it was typed, for the record."""
    return shlex.join(["bmnas", *sys.argv[1:]])


def finish(study: Study, folder: Path, as_json: bool) -> None:
    """Write a study's files, and show its tables."""
    from bmnas.study.writing import write

    written = write(study, folder)
    if as_json:
        typer.echo(study.model_dump_json(indent=2))
        return
    _show(study)
    tell(f"Written: {', '.join(str(path) for path in written)}")


def _show(study: Study) -> None:
    from bmnas.study.writing import cells_of, headings, notes

    for table in study.tables:
        shown = Table(box=box.SIMPLE_HEAD, title=f"{study.task}: {table.title}")
        for number, heading in enumerate(headings(table, study)):
            shown.add_column(heading, justify="left" if number == 0 else "right")
        for row in table.rows:
            shown.add_row(*cells_of(row, study))
        show_table(shown)
        for sentence in notes(table, study):
            tell(sentence.replace("*shows*", "'shows'"))
        for row in table.rows:
            if row.why_not is not None:
                tell(f"Left out, {row.name}: {row.why_not}")
