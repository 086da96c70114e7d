"""``bmnas compare``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bmnas.cli.joint import divided, joint_config, joint_options
from bmnas.cli.known_options import known_options
from bmnas.cli.meter import Meter
from bmnas.cli.options import (
    Backbones,
    Cache,
    DataFolder,
    Device,
    FeatureFolder,
    Json,
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
)
from bmnas.cli.settings_options import values_of, with_options
from bmnas.cli.studied import SEEDS, StudyFolder, TrainEpochs, finish, typed

if TYPE_CHECKING:
    from bmnas.searcher import SearchConfig


_JOINT = "Rows of networks that are trained together with their backbones, too."


def compare(
    task: TaskName = None,
    data: DataFolder = None,
    features: FeatureFolder = None,
    modalities: Modalities = None,
    backbone: Backbones = None,
    systems: Annotated[
        str | None,
        typer.Option(
            "--systems",
            metavar="NAMES",
            help="Systems beside our own search and its baselines, with commas between them: sklearn-logistic, "
            "sklearn-summed, sklearn-mlp, concat-fc, mha, aoa, gmu, centralnet, random, mfas, dc-nas, bm-nas.",
            show_default="all",
            rich_help_panel="Rows",
        ),
    ] = None,
    out: StudyFolder = None,
    settings: Any = None,
    train_epochs: TrainEpochs = None,
    views: Views = 1,
    precision: Precision = Number.FLOAT32,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    device: Device = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Compare systems on the same features, with several seeds and tests of every difference.

    Rows are each modality alone, sums of what they say, late fusion, scikit-learn's models, fusions and searches from
    the literature, and what bmnas search delivers. All have the same settings, seeds (5 where --seeds is left out) and
    test samples; other searches have as many seconds as our own. With --joint there are also rows of networks that are
    trained together with their backbones: each modality alone, late fusion, the fusions, what is found and delivered.

    The folder gets tables as Markdown, LaTeX and JSON, and a plot. A study that was stopped goes on when the same
    command is given again.

    Example: bmnas compare

    Example: bmnas compare --features my-features --systems gmu,random --seeds 3
    """
    settings, joint = divided(settings)
    given = values_of(settings)
    seeds = _seeds(given)
    refuse_unknown(task, data, features, modalities, backbone)

    from bmnas.study import compare_systems

    chosen = chosen_task(task, data, features, modalities, backbone)
    folder = out if out is not None else Path("studies") / f"compare-{chosen.name}"
    with Meter() as meter:
        study = compare_systems(
            chosen,
            given,
            train={} if train_epochs is None else {"epochs": train_epochs},
            wanted=[name.strip() for name in systems.split(",") if name.strip()] if systems else (),
            joint=joint_config(chosen, joint, workers) if joint else None,
            seeds=seeds,
            folder=folder,
            extraction=extraction_of(views, precision, workers, skip_bad),
            device=device,
            cache=cache,
            command=typed(),
            report=meter,
        )
    finish(study, folder, as_json)


def complete() -> Callable[..., None]:
    """The command with the options of the settings of a search."""
    return with_options(
        compare,
        [
            *known_options("search", _settings),
            *joint_options(_JOINT),
        ],
    )


def _seeds(given: dict[str, Any]) -> list[int]:
    """The seeds that ``--seed`` and ``--seeds`` stand for, which are taken out of what is given."""
    first, count = given.pop("seed", None) or 0, given.pop("seeds", None) or SEEDS
    return list(range(first, first + count))


def _settings() -> type[SearchConfig]:
    from bmnas.searcher import SearchConfig

    return SearchConfig
