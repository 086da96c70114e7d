"""``bmnas backbones``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.meter import Meter
from bmnas.cli.options import (
    DATA,
    Backbones,
    Cache,
    DataFolder,
    Device,
    Force,
    Json,
    TaskName,
    Workers,
    chosen_task,
    refuse_existing,
    refuse_unknown,
    score,
)
from bmnas.cli.shown import tell

if TYPE_CHECKING:
    from bmnas.tasks import Task
    from bmnas.tasks.unimodal import TrainedBackbone


class Short(StrEnum):
    """Numbers of 16 bits in which a backbone computes, or none."""

    NONE = "none"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def backbones(
    task: TaskName = None,
    data: DataFolder = None,
    modality: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only the backbone of this modality; may be repeated.",
            show_default="all",
            rich_help_panel=DATA,
        ),
    ] = None,
    backbone: Backbones = None,
    amp: Annotated[
        Short | None,
        typer.Option(
            help="Numbers of 16 bits for backbones that are trained on samples read one by one.",
            show_default="as the task says",
            rich_help_panel="Training",
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Fetch pretrained weights that the task begins with and torch's cache does not have.",
            rich_help_panel="Training",
        ),
    ] = False,
    workers: Workers = None,
    device: Device = None,
    cache: Cache = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Copy the weights of the one modality to this file, FILE.safetensors.",
            show_default="none",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train the backbones of a task and keep them.

    Those that the cache has already are not trained again. A training that was killed goes on where it was when the
    same command is given again. Shows the score of each on the validation split, and the file of its weights, which
    other commands find by themselves. Nothing is downloaded without --download.

    Example: bmnas backbones --task digits

    Example: bmnas backbones --task digits --modality top --to top.safetensors
    """
    from bmnas.errors import BmnasError

    if task is None:
        raise BmnasError("name the task with --task")
    refuse_unknown(task, data, None, None, backbone)
    if to is not None:
        if to.suffix != ".safetensors":
            raise BmnasError(f"{to}: weights are written as FILE.safetensors")
        refuse_existing(to, force)

    from bmnas.searcher.api import pick_device
    from bmnas.tasks.unimodal import copy_weights, train_backbones

    chosen = chosen_task(task, data, backbones=backbone)
    if to is not None and len(_wanted(chosen, modality)) != 1:
        names = ", ".join(chosen.tapped_modalities)
        raise BmnasError(f"--to takes the weights of one backbone; name one of {names} with --modality")
    with Meter() as meter:
        found = train_backbones(
            chosen,
            modality,
            device=pick_device(device),
            cache=cache,
            amp=amp.value if amp is not None else None,
            workers=workers,
            fetch=download,
            report=meter,
        )
    if to is not None:
        copy_weights(found[0], to)
    _show(found, chosen, to, as_json)


def _wanted(task: Task, modality: list[str] | None) -> Sequence[str]:
    return (task if modality is None else task.with_modalities(modality)).tapped_modalities


def _show(found: Sequence[TrainedBackbone], task: Task, to: Path | None, as_json: bool) -> None:
    if as_json:
        rows = [
            {"modality": each.modality, "score": each.score, "how": each.how, "file": str(each.path)} for each in found
        ]
        typer.echo(json.dumps({"task": task.name, "metric": task.metric.name, "backbones": rows}, indent=2))
        return
    for each in found:
        own = "no score" if each.score is None else f"{task.metric.name} {score(each.score, task.metric.name)}"
        tell(f"{each.modality}: {'' if each.score is None else 'validation '}{own} ({_HOW[each.how]})")
        typer.echo(f"  {each.path}")
    if to is not None:
        tell(f"Copied to {to}; others take it by --backbone {found[0].modality}={to}")


_HOW = {"trained": "trained now", "found": "trained before", "given": "weights of your own"}
