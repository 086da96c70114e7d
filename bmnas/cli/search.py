"""``bmnas search``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmnas.cli.meter import Meter
from bmnas.cli.options import (
    Backbones,
    Cache,
    DataFolder,
    Device,
    FeatureFolder,
    Modalities,
    Number,
    Precision,
    SkipBad,
    TaskName,
    Views,
    Workers,
    chosen_task,
    extraction_of,
    score,
)

if TYPE_CHECKING:
    from bmnas.searcher import SearchResult


class Derivation(StrEnum):
    """Rules that turn architecture parameters into a genotype."""

    PAPER = "paper"
    OFFICIAL = "official"


def search(
    task: TaskName = None,
    data: DataFolder = None,
    features: FeatureFolder = None,
    modalities: Modalities = None,
    backbone: Backbones = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run folder; runs/TASK-seedS if left out.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    epochs: Annotated[int | None, typer.Option(help="Epochs of the search.", show_default=False)] = None,
    cells: Annotated[int | None, typer.Option(help="Number of cells, N.", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(help="Number of steps in a cell, M.", show_default=False)] = None,
    outputs_per_cell: Annotated[
        int | None,
        typer.Option(help="How many last nodes form a cell's output; all steps if left out.", show_default=False),
    ] = None,
    channels: Annotated[int | None, typer.Option(help="Channels of every node, C.", show_default=False)] = None,
    length: Annotated[int | None, typer.Option(help="Length of every node, L.", show_default=False)] = None,
    dropout: Annotated[float | None, typer.Option(help="Dropout rate.", show_default=False)] = None,
    operations: Annotated[
        str | None, typer.Option(help="Operations to choose from, with commas: Sum,Attention,...", show_default=False)
    ] = None,
    derive: Annotated[
        Derivation | None,
        typer.Option(help="paper: a cell may read earlier cells; official: features only.", show_default=False),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples in a batch.", show_default=False)] = None,
    lr: Annotated[float | None, typer.Option(help="Step size of the weights at the start.", show_default=False)] = None,
    min_lr: Annotated[
        float | None, typer.Option(help="Step size of the weights at the end.", show_default=False)
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="L2 term of the weights.", show_default=False)] = None,
    arch_lr: Annotated[float | None, typer.Option(help="Step size of alpha, beta, gamma.", show_default=False)] = None,
    arch_weight_decay: Annotated[
        float | None, typer.Option(help="L2 term of alpha, beta, gamma.", show_default=False)
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a better score.", show_default=False)
    ] = None,
    train_epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of each training at the end.", show_default=False)
    ] = None,
    evaluate: Annotated[
        bool, typer.Option(help="Train and test the found network and its baselines at the end.")
    ] = True,
    views: Views = 1,
    precision: Precision = Number.FLOAT32,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    device: Device = None,
    cache: Cache = None,
    force: Annotated[bool, typer.Option("--force", help="Start over in a folder that holds another search.")] = False,
) -> None:
    """Search a fusion network, train it, compare it.

    Without a task it takes the digits, which need no data. Settings that are left out suit the task, or else are the
    paper's (Table 8, NTU 1). A search that was killed goes on where it was when the same command is given again.

    Example: bmnas search --task utd-mhad --data UTD-MHAD --modalities skeleton,inertial --seed 1

    Or: bmnas search --features my-features; bmnas search --task my_task.py
    """
    from bmnas.searcher import SearchConfig, TrainConfig, search as run_search

    chosen = chosen_task(task, data, features, modalities, backbone)
    config = SearchConfig.for_task(
        chosen,
        seed=seed,
        epochs=epochs,
        cells=cells,
        steps=steps,
        outputs_per_cell=outputs_per_cell,
        channels=channels,
        length=length,
        dropout=dropout,
        operations=tuple(op.strip() for op in operations.split(",")) if operations is not None else None,
        derive=str(derive) if derive else None,
        batch_size=batch_size,
        lr=lr,
        min_lr=min_lr,
        weight_decay=weight_decay,
        arch_lr=arch_lr,
        arch_weight_decay=arch_weight_decay,
        patience=patience,
    )
    with Meter() as meter:
        result = run_search(
            chosen,
            config,
            train=TrainConfig.ending(chosen, config, train_epochs),
            extraction=extraction_of(views, precision, workers, skip_bad),
            folder=out,
            device=device,
            cache=cache,
            evaluate=evaluate,
            force=force,
            report=meter.update,
        )
    _show(result, chosen.metric.name, chosen.name)


def _show(result: SearchResult, metric: str, task: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(emoji=False, markup=False)
    if result.rows:
        table = Table("network", box=box.SIMPLE_HEAD, title=f"{task}: same training budget for every row")
        for heading in (f"test {metric}", "parameters", "seconds"):
            table.add_column(heading, justify="right")
        for row in result.rows:
            table.add_row(row.name, score(row.test, metric), f"{row.parameters:,}", f"{row.seconds:.1f}")
        console.print(table)
        typer.echo("Parameters of the fusion network, without the backbones; seconds of its training.")
    seconds = sum(event["seconds"] for event in result.history)
    best = [event for event in result.history if event["best"]][-1]
    typer.echo(
        f"Search: {len(result.history)} epochs in {seconds:.1f} s; best validation {metric} "
        f"{score(best['score'], metric)} after epoch {best['epoch']}."
    )
    typer.echo(f"Genotype: {result.folder / 'genotype.json'}   Drawing: {result.folder / 'genotype.svg'}")
