"""``bmnas train``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.joint import PANEL, Asked, divided, joint_config, joint_options, named_as_options
from bmnas.cli.known_options import known_options
from bmnas.cli.meter import Meter
from bmnas.cli.options import (
    Backbones,
    Cache,
    DataFolder,
    Device,
    FeatureFolder,
    Force,
    GenotypeFile,
    Modalities,
    Number,
    Precision,
    SkipBad,
    TaskName,
    Views,
    Workers,
    about,
    chosen_task,
    extraction_of,
    refuse_existing,
    refuse_unknown,
    score,
)
from bmnas.cli.settings_options import Option, with_options
from bmnas.cli.shown import tell

if TYPE_CHECKING:
    from bmnas.genotype import Genotype
    from bmnas.searcher import TrainConfig
    from bmnas.searcher.training import Trained
    from bmnas.tasks import Task

_JOINT = "Then train backbones and network together, from raw samples."
_INIT = Option(
    "init",
    str,
    "With --joint: begin with the trained network of a run folder, or beside a genotype; it is trained first if left "
    "out.",
    metavar="RUN",
    group=PANEL,
)


def train(
    genotype: GenotypeFile,
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
            help="Folder for the results.",
            show_default="the genotype's own",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    settings: Any = None,
    views: Views = 1,
    precision: Precision = Number.FLOAT32,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    device: Device = None,
    cache: Cache = None,
    force: Force = False,
) -> None:
    """Train a genotype's network and test it once.

    The training uses the training and the validation split. Writes weights (NAME.safetensors) and scores
    (NAME.scores.json) beside the genotype, and the scores into its provenance, which completes the file. Without a
    task it takes the one on which the genotype was found, or else the digits. A training that was killed goes on where
    it was when the same command is given again (NAME.training.ckpt has it meanwhile).

    With --joint the backbones are trained, too, as one model with the network, and kept beside it.

    Example: bmnas train runs/digits-seed0/genotype.json --out trained

    Example: bmnas train mine.json --task my_task.py --epochs 20

    Example: bmnas train mine.json --task digits --joint --joint-select-epoch

    Example: bmnas train mcan.json --task scenes-answer
    """
    from bmnas.errors import BmnasError
    from bmnas.genotype import Genotype
    from bmnas.genotype.opening import genotype_file, load_any

    settings, joint = divided(settings)
    given = load_any(genotype)
    if not isinstance(given, Genotype):
        from bmnas.cli.stacks import train_stacks

        if features or modalities or backbone or joint:
            raise BmnasError(
                "--features, --modalities, --backbone and --joint are for fusion networks, and this is none"
            )
        train_stacks(genotype, given, task, data, out, settings, device, force)
        return
    genotype = genotype_file(genotype)  # what a training leaves lies beside the file, of a run folder too
    written = (out if out is not None else genotype.parent) / f"{genotype.stem}.json"
    weights = written.with_suffix(".safetensors")
    checkpoint = written.with_suffix(".training.ckpt")
    refuse_existing(weights, force, genotype)
    # In place, the genotype only gains a provenance; elsewhere, a file of that name is another one.
    if written.resolve() != genotype.resolve():
        refuse_existing(written, force, genotype)

    refuse_unknown(task, data, features, modalities, backbone)

    from bmnas.searcher import TrainConfig, train as run_training
    from bmnas.searcher.network_training import fitted
    from bmnas.searcher.run.outcome import save_outcome

    chosen = task_for(given, task, data, features, modalities, backbone)
    config = TrainConfig.for_task(chosen, **settings)
    with about(genotype):
        complete = fitted(given, chosen)
    extraction = extraction_of(views, precision, workers, skip_bad)
    with Meter() as meter:
        where: dict[str, Any] = {"extraction": extraction, "device": device, "cache": cache, "report": meter}
        if joint:
            trained = _jointly(complete, chosen, config, joint, checkpoint, where)
        else:
            trained = run_training(complete, chosen, config, checkpoint=checkpoint, **where)
    save_outcome(complete, trained, chosen, config, written)
    for left in _checkpoints(checkpoint):
        left.unlink(missing_ok=True)
    metric = chosen.metric.name
    told = "weights" if not joint else "weights of the network"
    tell(
        f"{written}: test {metric} {score(trained.test, metric)}, {trained.parameters:,} parameters, trained in "
        f"{trained.seconds:.1f} s; {told} in {weights}" + (", of the backbones beside it" if joint else "")
    )


def _jointly(
    genotype: Genotype,
    task: Task,
    train: TrainConfig,
    asked: Asked,
    checkpoint: Path,
    where: dict[str, Any],
) -> Trained:
    from bmnas.errors import BmnasError
    from bmnas.joint import train_joint

    config = joint_config(task, asked, where["extraction"].workers)
    try:
        return train_joint(genotype, task, config, train=train, init=asked.init, checkpoint=checkpoint, **where)
    except BmnasError as error:
        said = named_as_options(str(error))
        raise (error if said == str(error) else BmnasError(said)) from None


def _checkpoints(training: Path) -> list[Path]:
    from bmnas.joint import checkpoints

    return [training, *checkpoints(training)]


def task_for(
    genotype: Genotype,
    task: str | None,
    data: Path | None,
    features: Path | None,
    modalities: str | None,
    backbone: list[str] | None,
) -> Task:
    """The task, with the modalities of the genotype's features: of the others nothing need be extracted."""
    from bmnas.errors import BmnasError
    from bmnas.tasks import TASKS

    usual = (genotype.provenance.data if genotype.provenance and genotype.provenance.data else "digits").split("@")[0]
    if task is None and features is None and usual not in TASKS:
        raise BmnasError(f"the genotype was found on the task {usual!r}; name it with --task or --features")
    chosen = chosen_task(task, data, features, modalities, backbone, usual=usual)
    if modalities is None:
        there = {feature.modality for feature in genotype.features}
        used = [modality for modality in chosen.modalities if modality in there]
        if used and len(used) < len(chosen.modalities):
            return chosen_task(task, data, features, ",".join(used), backbone, usual=usual)
    return chosen


def complete() -> Callable[..., None]:
    """The command with the options of the settings of a training."""
    return with_options(
        train,
        [
            *known_options("train", _settings),
            *joint_options(_JOINT, _INIT),
        ],
    )


def _settings() -> type[TrainConfig]:
    from bmnas.searcher import TrainConfig

    return TrainConfig
