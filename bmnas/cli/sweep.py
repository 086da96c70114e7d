"""``bmnas sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.options import Json


def sweep(
    file: Annotated[
        Path,
        typer.Argument(metavar="SWEEP", help="A file that states the sweep (JSON or YAML).", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Folder of the sweep.",
            show_default="sweeps/NAME",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, metavar="TRIALS", help="Trials at the same time.")] = 1,
    max_failures: Annotated[
        int, typer.Option(min=0, metavar="TIMES", help="How often a trial may be killed, and goes on.")
    ] = 2,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Train the best trial's network to the end, and test it.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Run many searches with settings that differ.

    The file names a task, settings that all share, and values of those that differ: all combinations are run, or some
    that are drawn. Each trial is an ordinary run folder. A sweep that was killed goes on with the same command.

    Example: bmnas sweep examples/sweeps/table-8.json --workers 2
    """
    from bmnas.cli.shown import show_table, tell
    from bmnas.sweeping.statement import read_sweep

    stated = read_sweep(file)
    folder = out if out is not None else Path("sweeps") / file.stem

    import json
    from dataclasses import asdict

    from rich import box
    from rich.table import Table

    from bmnas.sweeping import run_sweep

    def say(text: str) -> None:
        tell(f"bmnas: {text}", err=True)

    rows = run_sweep(stated, folder, workers=workers, max_failures=max_failures, evaluate=test, say=say)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, title=f"{stated.task}: {len(rows)} trials")
    table.add_column("trial", no_wrap=True)
    for name in stated.vary:
        table.add_column(name, justify="right")
    for column in ("validation", "parameters", "seconds", "test"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for row in rows:
        numbers = (
            "" if row.validation is None else f"{row.validation:.4f}",
            "" if row.parameters is None else f"{row.parameters:,}",
            "" if row.seconds is None else f"{row.seconds:.1f}",
            "" if row.test is None else f"{row.test:.4f}",
        )
        note = "on the front" if row.pareto else "" if row.state == "done" else row.why or row.state
        table.add_row(row.name, *(str(row.settings[name]) for name in stated.vary), *numbers, note)
    show_table(table)
    tell("On the front: no other trial has a better validation score with as few parameters.")
    tell(f"All of it: {folder / 'results.csv'} and .json; to look at the runs: bmnas report {folder}/trial-*")
