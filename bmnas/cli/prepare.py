"""``bmnas prepare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.meter import Meter
from bmnas.cli.options import DataFolder, Json, TaskName, chosen_task, refuse_unknown
from bmnas.cli.shown import tell

if TYPE_CHECKING:
    from bmnas.tasks.preparation import Prepared

_SHOWN = 10


def prepare(
    task: TaskName = None,
    data: DataFolder = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FOLDER",
            help="Folder of what is made.",
            show_default="the folder of the data",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=256,
            metavar="FILES",
            help="Files that are made at a time.",
            show_default="one for each core",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a task's data into a form that is read faster, once.

    Of ntu these are its videos, 256 x 256 pixels instead of 1920 x 1080. The files of the data stay as they are. A
    preparation that was stopped goes on where it was; files that cannot be read are named, and are tried again the
    next time.

    Example: bmnas prepare --task ntu --data NTU
    """
    from bmnas.errors import BmnasError

    if task is None:
        raise BmnasError("name the task with --task")
    refuse_unknown(task, data)

    from bmnas.tasks.preparation import carry_out

    preparation = chosen_task(task, data).preparation(to)
    with Meter() as meter:
        prepared = carry_out(preparation, workers, meter)
    if as_json:
        _print_json(preparation.folder, prepared)
    else:
        _show(preparation.what, preparation.folder, prepared)


def _print_json(folder: Path, prepared: Prepared) -> None:
    import json

    unreadable = {str(path): why for path, why in prepared.unreadable.items()}
    report = {"folder": str(folder), "made": prepared.made, "kept": prepared.kept, "unreadable": unreadable}
    typer.echo(json.dumps(report, indent=2))


def _show(what: str, folder: Path, prepared: Prepared) -> None:
    from bmnas.tasks.preparation import RECORD

    tell(f"{prepared.made:,} {what} made, {prepared.kept:,} were there")
    unreadable = list(prepared.unreadable.values())
    for why in unreadable[:_SHOWN]:
        tell(f"unreadable: {why}", err=True)
    if len(unreadable) > _SHOWN:
        tell(f"unreadable: {len(unreadable) - _SHOWN:,} more", err=True)
    if unreadable:
        tell(f"{len(unreadable):,} files are unreadable, and are listed in {folder / RECORD}", err=True)
    typer.echo(f"Folder: {folder}")
