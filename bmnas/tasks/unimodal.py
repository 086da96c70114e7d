"""The backbones of a task, each trained by itself and kept, so that they are there for every search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from bmnas.errors import BmnasError
from bmnas.files import reason, write_atomically
from bmnas.fit.mixed_precision import Amp
from bmnas.tasks.backbones import load_backbone, trained_weights
from bmnas.tasks.hub import download
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.source_training import computed_with
from bmnas.tasks.task import Task


@dataclass(frozen=True)
class TrainedBackbone:
    """The weights of one backbone.

    Attributes:
        modality: of the backbone.
        score: of the backbone alone on the validation split, by the task's metric; ``None`` where it has none, as of
            weights that a user brought.
        how: whether it was trained now, was found in the cache, or a user brought its weights.
        path: the file of its weights.
    """

    modality: str
    score: float | None
    how: Literal["trained", "found", "given"]
    path: Path


def train_backbones(
    task: Task,
    modalities: Sequence[str] | None = None,
    *,
    device: str | torch.device = "cpu",
    cache: Path | None = None,
    amp: Amp | None = None,
    workers: int | None = None,
    fetch: bool = False,
    report: Report = silent,
) -> list[TrainedBackbone]:
    """Train the backbones that the cache does not have; each is kept as soon as it is trained.

    A training that was killed goes on where it was (a few seconds before) when it is asked for again.

    Args:
        task: whose.
        modalities: those that are wanted; all that have a backbone if left out.
        device: where they are trained.
        cache: the cache folder, see `cache_folder`.
        amp: the numbers in which backbones compute that are trained by `train_on_source`; as the task says if left out.
        workers: processes that read samples for those; as many as suit the machine if left out.
        fetch: download the files of `Task.pretrained` that are not in torch's cache; without it nothing is downloaded.
        report: receives the progress of the trainings.

    Returns: one for each modality, in the order of the task.

    Raises:
        BmnasError: a modality is none of the task, none has a backbone, a training fails, or the cache cannot be
            written.
    """
    task = task if modalities is None else task.with_modalities(modalities)
    ready = [modality for modality in task.modalities if modality in task.ready]
    if not task.tapped_modalities or (modalities is not None and ready):
        named = ", ".join(ready)
        raise BmnasError(f"the features of {named} of task {task.name} are ready: there is no backbone to train")
    trained = []
    for modality in task.tapped_modalities:
        if fetch and modality in task.pretrained:
            download(task.pretrained[modality], report)
        with computed_with(amp=amp, workers=workers):
            weights = trained_weights(task, modality, device=device, cache=cache, report=report)
        if weights.given:
            load_backbone(task, modality, weights)  # does it fit?
        how: Literal["trained", "found", "given"] = "trained" if weights.trained else "found"
        trained.append(TrainedBackbone(modality, weights.score, "given" if weights.given else how, weights.path))
    return trained


def copy_weights(backbone: TrainedBackbone, path: Path) -> None:
    """Copy the weights of a backbone, to be given to others, who take them by ``--backbone MODALITY=FILE``.

    Raises:
        BmnasError: they cannot be read or written, or the user has brought them.
    """
    if backbone.how == "given":
        raise BmnasError(f"the weights of the backbone {backbone.modality!r} are your own; copy {backbone.path}")
    try:
        content = backbone.path.read_bytes()
    except OSError as error:
        raise BmnasError(f"{backbone.path}: cannot be read: {reason(error)}") from error
    write_atomically(path, content)
