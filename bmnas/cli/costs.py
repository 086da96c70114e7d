"""What a network consists of and costs, as a table."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from bmnas.cli.shown import show_table, tell

if TYPE_CHECKING:
    from bmnas.compiler import Summary
    from bmnas.compiler.summary import Node


def show_summary(summary: Summary, as_json: bool) -> None:
    """Print it as a table, or as JSON."""
    if as_json:
        typer.echo(json.dumps(asdict(summary), indent=2))
        return

    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=summary.name)
    table.add_column("node", no_wrap=True)
    table.add_column("what it is")
    for column in ("parameters", "mult-adds", "activations"):
        table.add_column(column, justify="right", no_wrap=True)
    for node in summary.nodes:
        numbers = (f"{number:,}" for number in (node.parameters, node.multiply_adds, node.activations))
        table.add_row(node.name, _described(node), *numbers)
    total = (f"{number:,}" for number in (summary.parameters, summary.multiply_adds, summary.activations))
    table.add_section()
    table.add_row("total", "", *total)
    show_table(table)
    kilobytes = 4 * summary.activations / 1024, 4 * summary.peak / 1024
    tell(
        f"{summary.parameters:,} parameters; output ({', '.join(str(size) for size in summary.output_shape)}). "
        f"Activations of a sample, float32: {kilobytes[0]:,.0f} KiB in training, {kilobytes[1]:,.0f} KiB in inference."
    )
    if summary.unused:
        tell(f"Not used by any output, and not built: {', '.join(summary.unused)}")


def _described(node: Node) -> str:
    """``LinearGLU of x, y``; ``cell of Video_3, Cell_1: concat, 1x1 conv``."""
    what, colon, parts = node.kind.partition(": ")
    return f"{what} of {', '.join(node.reads)}{colon}{parts}" if node.reads else node.kind
