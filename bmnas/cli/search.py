"""``bmnas search``."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.joint import divided, joint_config, joint_options
from bmnas.cli.known_options import known_options
from bmnas.cli.meter import Meter
from bmnas.cli.names import presets, refuse_unknown_preset
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
    refuse_unknown,
)
from bmnas.cli.recorded import Recorded
from bmnas.cli.settings_options import with_options

if TYPE_CHECKING:
    from bmnas.joint import JointConfig
    from bmnas.joint.rows import JointRow
    from bmnas.searcher import SearchConfig, SearchResult, TrainConfig
    from bmnas.tasks import Task


class Kind(StrEnum):
    """Kinds of genotypes."""

    FUSION = "fusion"
    ENCODER_DECODER = "encoder-decoder"


_JOINT = "At the end train what is found, late fusion and each modality alone with their backbones."


def search(
    context: typer.Context,
    task: TaskName = None,
    data: DataFolder = None,
    features: FeatureFolder = None,
    modalities: Modalities = None,
    backbone: Backbones = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Run folder.",
            show_default="runs/TASK-seedS",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="Settings of another search: its config.json.",
            show_default="none",
            rich_help_panel="Search",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="One of the paper's nine settings (Table 8): ntu-1, ..., ego-4, mmimdb-1.",
            show_default="none",
            rich_help_panel="Search",
            autocompletion=presets,
        ),
    ] = None,
    kind: Annotated[
        Kind,
        typer.Option(
            help="Of the genotype: a fusion network, or stacks of blocks, on a task with texts and images.",
            rich_help_panel="Search",
        ),
    ] = Kind.FUSION,
    stacks: Annotated[
        list[str] | None,
        typer.Option(
            "--stack",
            metavar="NAME=VALUE",
            help="A setting of a search of stacks (bmnas.pairs.PairSearchConfig), such as width=128; may be repeated.",
            show_default="none",
            rich_help_panel="Search",
        ),
    ] = None,
    settings: Any = None,
    train_epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="EPOCHS",
            help="Epochs of each training at the end.",
            show_default="the task's own, or else 50",
            rich_help_panel="Final choice",
        ),
    ] = None,
    evaluate: Annotated[
        bool,
        typer.Option(
            help="Train and test the found network and its baselines at the end.", rich_help_panel="Final choice"
        ),
    ] = True,
    outlook: Annotated[
        bool,
        typer.Option(
            help="Say first whether there is room for fusion, as bmnas diagnose does, but quicker.",
            rich_help_panel="Search",
        ),
    ] = True,
    views: Views = 1,
    precision: Precision = Number.FLOAT32,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    device: Device = None,
    cache: Cache = None,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="STEPS",
            help="Steps between checkpoints.",
            show_default="one after each epoch",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    log_to: Annotated[
        list[str] | None,
        typer.Option(
            "--log-to",
            metavar="TOOL",
            help="Tell a tool for experiments, too: wandb or mlflow, if its package is installed; may be repeated.",
            show_default="none",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Start over in a folder that holds another search.", rich_help_panel=OUTPUT),
    ] = False,
) -> None:
    """Search a fusion network, train it, compare it.

    Without a task it takes the digits, which need no data. A task may have defaults of its own; those below are the
    paper's (Table 8, NTU 1). A search that was killed goes on where it was when the same command is given again.

    Example: bmnas search

    Example: bmnas search --task utd-mhad --data UTD-MHAD --modalities skeleton,inertial

    Example: bmnas search --features my-features --seeds 5

    Example: bmnas search --task my_task.py --strategy evolution --population 16

    Example: bmnas search --settings runs/digits-seed0/config.json --seed 1

    Example: bmnas search --task scenes-answer --kind encoder-decoder
    """
    from bmnas.cli.settings_options import values_of
    from bmnas.errors import BmnasError

    # All that can be told of mistakes without torch, which takes seconds to import.
    settings, joint = divided(settings)
    if joint and not evaluate:
        raise BmnasError("--joint trains what the comparison delivers; leave --no-evaluate out")
    given = values_of(settings)
    if kind is Kind.ENCODER_DECODER:
        from bmnas.cli.stacks import search_stacks

        if features or modalities or backbone or settings_file or preset or joint or log_to or checkpoint_every:
            raise BmnasError(
                "--features, --modalities, --backbone, --settings, --preset, --joint, --log-to and --checkpoint-every "
                "are for searches of fusion networks"
            )
        more = {} if train_epochs is None else {"train_epochs": train_epochs}
        search_stacks(task, data, out, {**given, **more}, stacks or [], device, evaluate, force)
        return
    if stacks:
        raise BmnasError("--stack is of searches with --kind encoder-decoder")
    if preset:
        refuse_unknown_preset(preset)
    if out is not None and out.exists() and not out.is_dir():
        raise BmnasError(f"{out}: cannot be created: file exists")
    named = (task, data, features, modalities, backbone)
    recorded = None if settings_file is None else Recorded.read(settings_file)
    if recorded is not None:
        if preset:
            raise BmnasError("--settings and --preset both say what the settings are; give one of them")
        named = recorded.task_with(named)
    refuse_unknown(*named)

    from bmnas.cli.found import show, show_joint
    from bmnas.searcher import TrainConfig, search as run_search

    extraction = extraction_of(views, precision, workers, skip_bad)
    if recorded is not None:
        typed = [name for name in extraction.decisive if _is_typed(context, name)]
        extraction = recorded.extraction(extraction, typed)
    chosen = chosen_task(*named)
    config = recorded.config(chosen, given) if recorded else _config(chosen, preset, given)
    together, rows = joint_config(chosen, joint, workers) if joint else None, dict[int, list[Any]]()
    if together is not None:
        from bmnas.joint.train import refuse_unusable

        refuse_unusable(chosen, config=together, train=TrainConfig.ending(chosen, config, train_epochs))
    with Meter() as meter:
        result = run_search(
            chosen,
            config,
            train=TrainConfig.ending(chosen, config, train_epochs),
            extraction=extraction,
            folder=out,
            device=device,
            cache=cache,
            evaluate=evaluate,
            force=force,
            checkpoint_every=checkpoint_every,
            outlook=outlook,
            log_to=log_to or (),
            report=meter,
        )
        if together is not None:
            where = {"extraction": extraction, "device": device, "cache": cache, "report": meter}
            rows = _joint_rows(result, chosen, together, TrainConfig.ending(chosen, config, train_epochs), where)
    show(result, chosen, config)
    if together is not None:
        show_joint(rows, result, chosen.metric.name)


def _joint_rows(
    result: SearchResult, task: Task, config: JointConfig, train: TrainConfig, where: dict[str, Any]
) -> dict[int, list[JointRow]]:
    """By seed, what is trained together with its backbones."""
    from bmnas.joint.rows import joint_rows
    from bmnas.searcher import open_run

    run = open_run(result.folder)
    return {found.seed: joint_rows(run, task, config, train, found.seed, **where) for found in result.seeds}


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _config(task: Task, preset: str | None, given: dict[str, Any]) -> SearchConfig:
    from bmnas.searcher import SearchConfig
    from bmnas.searcher.presets import preset_config

    return preset_config(preset, task, **given) if preset else SearchConfig.for_task(task, **given)


def complete() -> Callable[..., None]:
    """The command with the options of all settings."""
    return with_options(
        search,
        [
            *known_options("search", _settings),
            *joint_options("At the end train what is found, late fusion and each modality alone with their backbones."),
        ],
    )


def _settings() -> type[SearchConfig]:
    from bmnas.searcher import SearchConfig

    return SearchConfig
