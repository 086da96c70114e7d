"""``bmnas diagnose``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from textwrap import fill
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
from bmnas.cli.shown import show_table

if TYPE_CHECKING:
    from rich.table import Table

    from bmnas.searcher.diagnosis.values import DataFacts, Diagnosis, Score, System

_WIDTH = 100


def diagnose(
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
    """Tell, before anything is searched, whether there is room for fusion.

    Features are extracted as for a search. Linear heads of them, score fusion and a small nonlinear learner are fitted
    and compared, which takes seconds. Of the test split, only its size, labels' counts and groups are looked at.

    Example: bmnas diagnose --features my-features
    """
    from bmnas.errors import BmnasError

    if task is None and features is None:
        raise BmnasError("name the task with --task, or a folder of arrays with --features")
    refuse_unknown(task, data, features, modalities, backbone)

    from bmnas.searcher import diagnose as run_diagnosis

    chosen = chosen_task(task, data, features, modalities, backbone)
    with Meter(remarks=False) as meter:  # which are among the warnings
        diagnosis = run_diagnosis(
            chosen,
            length,
            extraction=extraction_of(views, precision, workers, skip_bad),
            device=device,
            cache=cache,
            report=meter,
        )
    if as_json:
        typer.echo(diagnosis.model_dump_json(indent=2))
    else:
        _show(diagnosis)


def _show(diagnosis: Diagnosis) -> None:
    show_table(_heads(diagnosis))
    if diagnosis.fusions or diagnosis.learners:
        show_table(_others(diagnosis))
    lines = [*_held_out(diagnosis), *_choosing(diagnosis), *_power(diagnosis), *_data(diagnosis.data)]
    lines += [f"Warning: {sentence}." for sentence in diagnosis.warnings]
    lines += [f"Left out: {sentence}." for sentence in diagnosis.left_out]
    width = min(_WIDTH, get_terminal_size().columns) if sys.stdout.isatty() else _WIDTH
    for line in (*lines, "", *diagnosis.in_brief()):
        typer.echo(fill(line, width, break_long_words=False, break_on_hyphens=False))


def _heads(diagnosis: Diagnosis) -> Table:
    title = f"{diagnosis.task}: the linear head of each feature"
    splits = ("training", "validation", "held out")
    table = _table("feature", title, diagnosis.metric, splits)
    for system in diagnosis.heads:
        _add(table, system, (system.training, system.validation, system.held_out), diagnosis.metric)
    return table


def _others(diagnosis: Diagnosis) -> Table:
    table = _table(
        "what", "several features, and small nonlinear learners", diagnosis.metric, ("validation", "held out")
    )
    for system in (*diagnosis.fusions, *diagnosis.learners):
        _add(table, system, (system.validation, system.held_out), diagnosis.metric)
    return table


def _table(first: str, title: str, metric: str, splits: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title)
    table.add_column(f"\n{first}", no_wrap=True)
    for split in splits:
        table.add_column(f"{split}\n{metric}", justify="right")
        table.add_column("\nloss", justify="right")
    return table


def _add(table: Table, system: System, scores: Sequence[Score | None], metric: str) -> None:
    cells = []
    for found in scores:
        cells += ["", ""] if found is None else [score(found.score, metric), f"{found.loss:.4f}"]
    table.add_row(system.name, *cells)


def _held_out(diagnosis: Diagnosis) -> list[str]:
    count = f"Held out in cross-validation: {diagnosis.held_out:,} samples"
    if diagnosis.backbones_saw_training:
        return [
            f"{count} of the validation split alone: the backbones were trained on the training split, so scores on it "
            "flatter."
        ]
    return [f"{count} of the training and the validation split."]


def _choosing(diagnosis: Diagnosis) -> list[str]:
    found = diagnosis.choosing
    if found is None:
        return []
    return [
        f"Choosing between modalities: of the held-out samples, the heads of the last features disagree on "
        f"{_share(found.disagreement)}; the best one is right on {_share(found.best)}, at least one on "
        f"{_share(found.oracle)} ({_share(found.by_chance)} if they erred independently)."
    ]


def _power(diagnosis: Diagnosis) -> list[str]:
    said = []
    for power in diagnosis.power:
        smallest = "none"
        if power.smallest is not None:
            smallest = _share(power.smallest) if power.measure == "accuracy" else f"{power.smallest:.4f}"
        said.append(
            f"Smallest difference of {power.measure} that {power.samples:,} test samples can show, between "
            f"{power.system} and {power.baseline}: {smallest}."
        )
    return said


def _data(facts: DataFacts) -> list[str]:
    samples, repeated = facts.samples, facts.repeated
    outputs = f"{facts.outputs:,} {'class' if facts.missing else 'output'}{'es' * bool(facts.missing)}"
    constant = [f"{channels.constant:,} of {name}" for name, channels in facts.channels.items() if channels.constant]
    lines = [
        f"Data: {samples['train']:,} training, {samples['validation']:,} validation and {samples['test']:,} test "
        f"samples; {outputs}; repeated are {repeated.training:,} training samples and {repeated.validation:,} "
        f"validation samples, and {repeated.between:,} are in both splits."
    ]
    if constant:
        lines.append(f"Constant channels: {', '.join(constant)}.")
    if facts.groups:
        groups = ", ".join(f"{count:,} of the {split} split" for split, count in facts.groups.items())
        shared = ", ".join(f"{count:,} by {pair}" for pair, count in facts.shared_groups.items() if count)
        lines.append(f"Groups: {groups}; shared: {shared or 'none'}.")
    return lines


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
