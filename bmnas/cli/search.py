"""``bmnas search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bmnas.cli import search_options as opt
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
)

if TYPE_CHECKING:
    from bmnas.searcher import SearchConfig
    from bmnas.tasks import Task


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
    seeds: Annotated[
        int | None, typer.Option(help="How many searches, with seed, seed + 1, ..., at once.", show_default=False)
    ] = None,
    preset: opt.Preset = None,
    cells: opt.Cells = None,
    steps: opt.Steps = None,
    outputs_per_cell: opt.OutputsPerCell = None,
    channels: opt.Channels = None,
    length: opt.Length = None,
    dropout: opt.Dropout = None,
    operations: opt.Operations = None,
    derive: opt.Derive = None,
    strategy: opt.Strategies = None,
    relaxation: opt.Relaxations = None,
    select: opt.Selection = None,
    top_k: opt.TopK = None,
    samples: opt.Samples = None,
    protocol: opt.Protocols = None,
    restart_epochs: opt.RestartEpochs = None,
    budget_trainings: opt.BudgetTrainings = None,
    budget_seconds: opt.BudgetSeconds = None,
    population: opt.Population = None,
    tournament: opt.Tournament = None,
    sharpness: opt.Sharpness = None,
    patience: opt.Patience = None,
    amp: opt.Amp = None,
    cuda_graphs: opt.CudaGraphs = None,
    epochs: opt.Epochs = None,
    batch_size: opt.BatchSize = None,
    lr: opt.Rate = None,
    min_lr: opt.MinRate = None,
    weight_decay: opt.WeightDecay = None,
    arch_lr: opt.ArchRate = None,
    arch_weight_decay: opt.ArchWeightDecay = None,
    train_epochs: opt.TrainEpochs = None,
    evaluate: Annotated[
        bool, typer.Option(help="Train and test the found network and its baselines at the end.")
    ] = True,
    views: Views = 1,
    precision: Precision = Number.FLOAT32,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    device: Device = None,
    cache: Cache = None,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(min=1, help="Steps between checkpoints; one after each epoch if left out.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Start over in a folder that holds another search.")] = False,
) -> None:
    """Search a fusion network, train it, compare it.

    Without a task it takes the digits, which need no data. Settings that are left out suit the task, or else are the
    paper's (Table 8, NTU 1). A search that was killed goes on where it was when the same command is given again.

    Example: bmnas search --task utd-mhad --data UTD-MHAD --modalities skeleton,inertial --seeds 5

    Or: bmnas search --features my-features; bmnas search --task my_task.py
    """
    given = dict(locals())
    from bmnas.cli.found import show
    from bmnas.searcher import TrainConfig, search as run_search

    chosen = chosen_task(task, data, features, modalities, backbone)
    config = _config(chosen, preset, given)
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
            checkpoint_every=checkpoint_every,
            report=meter.update,
        )
    show(result, chosen, config)


def _config(task: Task, preset: str | None, given: dict[str, Any]) -> SearchConfig:
    """The settings of a search: of the options, those that have a setting's name."""
    from bmnas.genotype.space import OFFICIAL_POOL, PAPER_POOL
    from bmnas.searcher import SearchConfig
    from bmnas.searcher.presets import preset_config

    settings = {name: str(value) if name in _WORDS and value else value for name, value in given.items()}
    settings = {name: value for name, value in settings.items() if name in SearchConfig.model_fields}
    pool = settings["operations"]
    if pool is not None:
        pools = {"paper": PAPER_POOL, "official": OFFICIAL_POOL}
        settings["operations"] = pools.get(pool) or tuple(op.strip() for op in pool.split(","))
    return preset_config(preset, task, **settings) if preset else SearchConfig.for_task(task, **settings)


_WORDS = ("derive", "relaxation", "protocol")
