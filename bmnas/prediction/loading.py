"""A run folder, or a genotype with its weights, as a model that answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.compiler.export import load_weights
from bmnas.errors import BmnasError
from bmnas.genotype import load
from bmnas.genotype.opening import genotype_file
from bmnas.prediction.model import Model, features_by_modality
from bmnas.tasks import Task, get_task
from bmnas.tasks.portable import SUFFIX, RecordedTask, TaskRecord, read_record, restored_backbones

_BRINGS: Mapping[str, Path] = MappingProxyType({})


def load_model(
    path: Path | str,
    *,
    task: Task | str | None = None,
    weights: Mapping[str, Path] = _BRINGS,
    device: str | torch.device = "cpu",
) -> Model:
    """The trained network of a run folder, or beside a genotype, from raw inputs (or features) to outputs.

    Neither the cache nor the data that it was made with are needed. Backbones that were trained by a search lie in the
    run folder; those that a user brought are named by their checksums, and have to be brought again.

    Args:
        path: a run folder, or a genotype file with ``NAME.safetensors`` and ``NAME.model.json`` beside it.
        task: where backbones are a user's own: the task, or what ``--task`` takes.
        weights: by modality, safetensors files of backbones that were trained elsewhere.
        device: where the model is.

    Raises:
        BmnasError: something is missing, damaged, or not what the network was trained with; the sentence names it.

    Example:
        >>> model = bmnas.load_model("runs/digits-seed0")  # doctest: +SKIP
        >>> model.predict({"Top": top, "Bottom": bottom}).answers  # doctest: +SKIP
        ['3', '8']
    """
    path, where = Path(path), torch.device(device)
    file = genotype_file(path)
    record_path, weights_path = file.with_suffix(SUFFIX), file.with_suffix(".safetensors")
    genotype = load(file)
    for needed, what in ((weights_path, "the weights of its network"), (record_path, "the record of its task")):
        if not needed.is_file():
            raise BmnasError(f"{needed}: is missing: {what}; {_why(file, path)}")
    record = read_record(record_path)
    network = compile_genotype(genotype)
    load_weights(network, weights_path)
    owner = get_task(task) if isinstance(task, str) else task
    if owner is not None and owner.name != record.task:
        raise BmnasError(f"{file}: is a network of the task {record.task!r}, not of {owner.name!r}")
    recorded = RecordedTask(record, owner)
    wanted = [modality for modality in features_by_modality(network) if modality in record.backbones]
    brought = {**(owner.weights if owner is not None else {}), **{name: Path(each) for name, each in weights.items()}}
    backbones = restored_backbones(
        recorded, [file.parent, file.parent.parent], weights=brought, owner=owner, wanted=wanted, device=where
    )
    averages = _averages(file.with_suffix(".averages.safetensors"), network, record)
    return Model(network.to(where), recorded, backbones, averages)


def _averages(path: Path, network: FusionNetwork, record: TaskRecord) -> dict[str, Tensor]:
    """What stands for the features of a missing modality; nothing where samples lost none in the training."""
    if not path.exists():
        return {}
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BmnasError(f"{path}: does not hold the averages of features: {error}") from None
    for name in network.features:
        if name not in found or found[name].shape != record.shapes[name]:
            raise BmnasError(f"{path}: has no average of feature {name!r} of shape {record.shapes[name]}")
    return {name: found[name].float() for name in network.features}


def _why(file: Path, path: Path) -> str:
    if path.is_dir():
        return f"the search in {path} is not finished, or its results were made by an earlier version"
    return f"bmnas train {file} trains the network"
