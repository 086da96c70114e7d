"""The backbones of a recorded task, with the weights that lie beside a network, or that a user brings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors.torch
import torch

from bmnas.errors import BmnasError, did_you_mean
from bmnas.taps.modes import frozen
from bmnas.tasks import fingerprint
from bmnas.tasks.backbones import Weights, load_backbone, saved_state
from bmnas.tasks.portable.bundle import FOLDER, weights_name
from bmnas.tasks.portable.record import BackboneRecord
from bmnas.tasks.portable.recorded import RecordedTask
from bmnas.tasks.task import Backbone, Task


def restored_backbones(
    task: RecordedTask,
    folders: Sequence[Path],
    *,
    weights: Mapping[str, Path],
    owner: Task | None,
    wanted: Sequence[str],
    device: torch.device,
) -> dict[str, Backbone]:
    """The backbones by modality, frozen and in eval mode.

    Args:
        task: whose.
        folders: where a folder of weights may lie.
        weights: by modality, files that a user brings.
        owner: the task itself, where a user has given it; its backbones come with their weights.
        wanted: the modalities.
        device: where they are returned.

    Raises:
        BmnasError: weights are missing, are not those that the features were made with, or do not fit.
    """
    for modality in weights:
        if modality not in task.record.backbones:
            near = did_you_mean(modality, task.record.backbones)
            raise BmnasError(f"weights are given for {modality!r}, which is no modality with a backbone{near}")
    found = {}
    for modality in wanted:
        record = task.record.backbones[modality]
        file = _file(modality, record, folders, weights)
        if file is not None:
            found[modality] = load_backbone(
                task, modality, Weights(file, record.sha256, None, given=modality in weights)
            ).to(device)
        else:
            found[modality] = _brought(task, modality, record, owner).to(device)
    return found


def _file(modality: str, record: BackboneRecord, folders: Sequence[Path], weights: Mapping[str, Path]) -> Path | None:
    name = weights_name(modality, record.sha256)
    if modality in weights:
        path = weights[modality]
        if not path.is_file():
            raise BmnasError(f"{path}: there is no such file of weights")
        if fingerprint.of_file(path) != record.sha256:
            raise BmnasError(
                f"{path}: has not the weights of the backbone {modality!r} that the network was trained on"
            )
        return path
    if not record.kept:
        return None
    for folder in folders:
        path = folder / FOLDER / name
        if path.is_file():
            if fingerprint.of_file(path) != record.sha256:
                raise BmnasError(f"{path}: is damaged: it is not what was written")
            return path
    raise BmnasError(f"{folders[0] / FOLDER / name}: is missing: the weights of the backbone {modality!r}")


def _brought(task: RecordedTask, modality: str, record: BackboneRecord, owner: Task | None) -> Backbone:
    """The backbone that a user's own task builds, if it is the one that the features were made with."""
    if owner is None:
        raise BmnasError(
            f"the weights of the backbone {modality!r} were brought by a user, and are not kept with the network; give "
            "them again, --backbone MODALITY=FILE, or the task that has them, --task FILE.py"
        )
    module = owner.build_backbone(modality)
    state = safetensors.torch.save(saved_state(module.state_dict()))
    if hashlib.sha256(state).hexdigest() != record.sha256:
        raise BmnasError(
            f"the backbone {modality!r} of task {owner.name} has other weights than the one that the network was "
            "trained on"
        )
    taps = {name: tap for name, tap in task.taps.items() if _modality(task, name) == modality}
    return Backbone(frozen(module), taps)


def _modality(task: Task, feature: str) -> str:
    return next(each.modality for each in task.features if each.name == feature)
