"""``bmnas extract``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bmnas.cli.meter import Meter
from bmnas.cli.options import (
    Backbones,
    Cache,
    DataFolder,
    Device,
    FeatureFolder,
    Json,
    Length,
    Modalities,
    Number,
    Precision,
    SkipBad,
    TaskName,
    Views,
    Workers,
    chosen_task,
    extraction_of,
    refuse_unknown,
    score,
)
from bmnas.cli.shown import show_table, tell

if TYPE_CHECKING:
    from bmnas.tasks import FeatureStore, Task


def extract(
    task: TaskName = None,
    data: DataFolder = None,
    features: FeatureFolder = None,
    modalities: Modalities = None,
    backbone: Backbones = None,
    length: Length = None,
    views: Views = 1,
    precision: Precision = Number.FLOAT32,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    device: Device = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Run the backbones over the data and keep their features.

    A search does that by itself; this command does it beforehand, on the machine that has the GPU, say. What was
    extracted is found again by the same task, data and options. An extraction that was killed goes on where it was when
    the same command is given again.

    Example: bmnas extract --task my_task.py --views 4 --precision float16 --skip-bad
    """
    from bmnas.errors import BmnasError

    if task is None and features is None:
        raise BmnasError("name the task with --task, or a folder of arrays with --features")
    refuse_unknown(task, data, features, modalities, backbone)

    from bmnas.searcher import SearchConfig, extract as run_extraction

    chosen = chosen_task(task, data, features, modalities, backbone)
    with Meter() as meter:
        store = run_extraction(
            chosen,
            length or SearchConfig.for_task(chosen).length,
            extraction=extraction_of(views, precision, workers, skip_bad),
            device=device,
            cache=cache,
            report=meter,
        )
    _show(store, chosen, as_json)


def _show(store: FeatureStore, task: Task, as_json: bool) -> None:
    import json

    from bmnas.tasks import SPLITS

    sizes = {split: store.size(split) for split in SPLITS}
    if as_json:
        report = {
            "task": task.name,
            "folder": str(store.folder),
            "bytes": store.bytes,
            "precision": store.manifest.precision,
            "samples": sizes,
            "views": store.views("train"),
            "features": {name: list(shape) for name, shape in store.shapes.items()},
            "backbones": dict(store.scores),
            "skipped": [entry.model_dump() for entry in store.skipped],
        }
        typer.echo(json.dumps(report, indent=2))
        return
    from rich import box
    from rich.table import Table

    table = Table("feature", "modality", "reshape", box=box.SIMPLE_HEAD, title=f"{task.name}: what was extracted")
    table.add_column("of a sample", justify="right")
    for feature in task.features:
        shape = " x ".join(map(str, store.shapes[feature.name]))
        table.add_row(feature.name, feature.modality, feature.reshape, shape)
    show_table(table)
    views = f", each in {store.views('train')} views" if store.views("train") > 1 else ""
    counts = f"{sizes['train']:,} training{views}, {sizes['validation']:,} validation, {sizes['test']:,} test samples"
    tell(f"{counts}; {store.bytes / 2**20:,.1f} MiB of {store.manifest.precision}")
    for modality, own in store.scores.items():
        if own is not None:
            tell(f"{modality}: validation {task.metric.name} of its backbone alone {score(own, task.metric.name)}")
    for entry in store.skipped[:10]:
        tell(f"left out: sample {entry.index} of {entry.split}: {entry.why}")
    if len(store.skipped) > 10:
        tell(f"left out: {len(store.skipped) - 10} more; --json lists them all")
    typer.echo(f"Folder: {store.folder}")
