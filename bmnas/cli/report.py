"""``bmnas report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.options import Force


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Run folders; several are shown side by side.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The HTML file.",
            show_default="report.html in the run folder; of several, in this folder",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Write a page that shows what a search found, how, and how sure that is.

    It is one HTML file that needs no other and no network: summary in words, drawing, comparison with intervals and
    paired tests, classes, curves, weights of alternatives, costs, settings and commands. What a run lacks is named. A
    report.html in a run folder is replaced; a file that --out names only with --force.

    Example: bmnas report runs/digits-seed0

    Example: bmnas report runs/digits-seed0 runs/digits-evolution-seed0 --out both.html
    """
    from bmnas.cli.options import refuse_existing
    from bmnas.report.writing import write_report

    if out is not None:
        refuse_existing(out, force)
    typer.echo(str(write_report(runs, out)))
