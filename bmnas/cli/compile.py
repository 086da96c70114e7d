"""``bmnas compile``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from bmnas.cli.options import GenotypeFile, Json, about


def compile_(
    genotype: GenotypeFile,
    task: Annotated[
        str | None, typer.Option(help="Task that supplies channels which the file leaves out.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Compile a genotype and show its network.

    Prints nodes, parameters and the shape of the output. No weights are made.

    Example: bmnas compile runs/digits-seed0/genotype.json
    """
    from bmnas.genotype import load

    given = load(genotype)  # before torch is imported: what is wrong with a file is told at once
    if task is not None:
        from bmnas.tasks import get_task

        own = {feature.name: feature.channels for feature in get_task(task).features}
        given = given.with_channels({name: channels for name, channels in own.items() if channels is not None})
    from bmnas.compiler import summarise

    with about(genotype):
        summary = summarise(given)
    if as_json:
        typer.echo(json.dumps(asdict(summary), indent=2))
        return

    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("node", "what it is", "reads", box=box.SIMPLE_HEAD, title=summary.name)
    table.add_column("parameters", justify="right")
    for node in summary.nodes:
        table.add_row(node.name, node.kind, ", ".join(node.reads), f"{node.parameters:,}")
    Console(emoji=False, markup=False).print(table)
    typer.echo(f"{summary.parameters:,} parameters; output ({', '.join(str(size) for size in summary.output_shape)})")
    if summary.unused:
        typer.echo(f"Not used by any output, and not built: {', '.join(summary.unused)}")
