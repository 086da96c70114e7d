"""The backbones of a task, trained once: their weights are kept in the cache and recognised by what determined them.

``<cache>/<task>/backbones/<key>/<modality>.safetensors`` holds the weights; the ``.json`` beside it, written after
them, says from which data and code they come, their SHA-256, and their score. While a long training goes on, a
``.training-1.ckpt`` beside it has how far it is, see `training.kept`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.files import read_text, reason, write_atomically
from bmnas.fit import fit, micro_batches, order, schedule, seeding
from bmnas.fit.seeding import seeded
from bmnas.genotype.schema import Frozen
from bmnas.taps.modes import frozen
from bmnas.tasks import fingerprint, raw_batches, source_training, training
from bmnas.tasks.cache import cache_folder, file_name, locked
from bmnas.tasks.progress import Progress, Report, silent
from bmnas.tasks.state_files import misfit, read_state
from bmnas.tasks.task import Backbone, Task

# What decides the numbers of a training, beside the module of tasks that states it.
_TRAINING = (fit, micro_batches, order, schedule, seeding, raw_batches, source_training)
# Of the initial weights and the training of every backbone. It is not the seed of a search.
_SEED = 0
_JSON_LIMIT = 2**20


@dataclass(frozen=True)
class Weights:
    """The weights of one trained backbone in the cache.

    Attributes:
        path: a safetensors file.
        sha256: of that file.
        score: of the backbone alone on the validation split by the task's metric; ``None`` if it was not trained here.
        given: whether a user brought the file, in whatever format and by whatever names.
        trained: whether they were trained just now, and not found.
    """

    path: Path
    sha256: str
    score: float | None
    given: bool = False
    trained: bool = False


class _Record(Frozen):
    format: Literal["bmnas-backbone/1"] = "bmnas-backbone/1"
    fingerprint: dict[str, Any]
    sha256: str
    score: float | None


def backbones(
    task: Task, *, device: str | torch.device = "cpu", cache: Path | None = None, report: Report | None = None
) -> dict[str, Backbone]:
    """The trained backbones by modality, on ``device``, frozen and in eval mode; trained if the cache has none.

    A modality whose features are ready has none.

    Args:
        task: whose.
        device: where they are trained (if the task does not train elsewhere) and returned.
        cache: the cache folder, see `cache_folder`.
        report: receives the progress of the training, phase ``backbone <modality>``.
    Raises:
        BmnasError: the cache cannot be written, or the weights in it do not fit the backbone.
    """
    found = {}
    for modality in task.tapped_modalities:
        weights = trained_weights(task, modality, device=device, cache=cache, report=report or silent)
        found[modality] = load_backbone(task, modality, weights).to(device)
    return found


def trained_weights(
    task: Task, modality: str, *, device: str | torch.device, cache: Path | None, report: Report
) -> Weights:
    """The weights of one backbone from the cache; trained and stored first where they are missing, stale or damaged.

    Raises:
        BmnasError: the cache cannot be written, or a file of weights that was given cannot be read.
    """
    if modality in task.weights:
        return _given(task.weights[modality])
    chosen = {
        "task": task.name,
        "modality": modality,
        "options": dict(task.options),
        "data": task.data_fingerprint([modality]),
    }
    # As it is read back from a record: a tuple in the options of a task is a list there.
    determined_by = dict(json.loads(json.dumps(chosen)))
    # The key is what a user chose. Other code replaces the weights in place: nobody will ask for the old ones again.
    key = fingerprint.of_json(determined_by)[:16]
    path = cache_folder(cache) / file_name(task.name) / "backbones" / key / f"{file_name(modality)}.safetensors"
    determined_by["code"] = fingerprint.of_code(type(task), *task.code, training, *_TRAINING)
    weights = _valid(path, determined_by)
    if weights is None:
        with locked(path.parent, report):
            weights = _valid(path, determined_by) or _train(task, modality, path, determined_by, device, report)
    return weights


def load_backbone(task: Task, modality: str, weights: Weights) -> Backbone:
    """The backbone with those weights on the CPU, frozen and in eval mode.

    Raises:
        BmnasError: the file is no longer what it was, or does not fit the backbone.
    """
    try:
        content = weights.path.read_bytes()
    except OSError as error:
        raise BmnasError(f"{weights.path}: cannot be read: {reason(error)}") from error
    if hashlib.sha256(content).hexdigest() != weights.sha256:
        raise BmnasError(f"{weights.path}: was changed while it was in use; run the command again")
    with seeded(_SEED):
        module = task.build_backbone(modality)
    if weights.given:
        _load_given(task, modality, weights.path, module)
    else:
        _load_kept(modality, weights.path, content, module)
    taps = {feature.name: task.taps[feature.name] for feature in task.features if feature.modality == modality}
    return Backbone(frozen(module), taps, weights.score)


def _load_kept(modality: str, path: Path, content: bytes, module: nn.Module) -> None:
    try:
        rest = {name: value for name, value in module.state_dict().items() if not _can_be_kept(value)}
        module.load_state_dict({**rest, **safetensors.torch.load(content)})
    except (RuntimeError, SafetensorError) as error:
        raise BmnasError(f"{path}: does not fit the backbone {modality!r}; delete it to have it made anew") from error


def _load_given(task: Task, modality: str, path: Path, module: nn.Module) -> None:
    """Load weights that a user brought: the task knows by which names others call them."""
    wanted = module.state_dict()
    try:
        state = task.own_names(modality, read_state(path, wanted))
    except BmnasError as error:
        raise BmnasError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None
    if wrong := misfit({name: value for name, value in wanted.items() if _can_be_kept(value)}, state):
        raise BmnasError(f"{path}: the weights do not fit the backbone {modality!r} of task {task.name}: {wrong}")
    module.load_state_dict({**wanted, **state})


def saved_state(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """What of a backbone's `state_dict` is kept, on the CPU."""
    # Clones, because safetensors refuses tensors that share memory (tied weights).
    entries = {name: value for name, value in state.items() if _can_be_kept(value)}
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in entries.items()}


def _given(path: Path) -> Weights:
    try:
        return Weights(path, fingerprint.of_file(path), None, given=True)
    except OSError as error:
        raise BmnasError(f"{path}: the weights cannot be read: {reason(error)}") from error


def _train(
    task: Task, modality: str, path: Path, determined_by: dict[str, Any], device: str | torch.device, report: Report
) -> Weights:
    with training.kept(path, determined_by):  # a training that was killed goes on, up to the weights being there
        with seeded(_SEED, device):
            module = task.build_backbone(modality)
            score = task.train_backbone(modality, module, device=device, report=report)
        _check_score(score, task, modality)
        content = safetensors.torch.save(saved_state(module.state_dict()))
        record = _Record(fingerprint=determined_by, sha256=hashlib.sha256(content).hexdigest(), score=score)
        write_atomically(path, content)
        write_atomically(path.with_suffix(".json"), record.model_dump_json(indent=2) + "\n")
    info = "" if score is None else f"validation {task.metric.name} {score:.3f}"
    report(Progress(f"backbone {modality}", 1, 1, info))
    return Weights(path, record.sha256, score, trained=True)


def _check_score(score: float | None, task: Task, modality: str) -> None:
    """Weights whose score is NaN are most often useless, and would be used ever after if they were kept."""
    if score is not None and not math.isfinite(score):
        raise BmnasError(
            f"task {task.name}: train_backbone gives {score} as the score of modality {modality!r}, so its weights are "
            "not kept; let it return a finite number, or None where there is no score"
        )


def _can_be_kept(value: Any) -> bool:
    """Whether safetensors can hold an entry of a state dict; what it cannot (packed weights) is built each time."""
    if not isinstance(value, Tensor) or value.is_quantized or value.layout != torch.strided:
        return False
    return value.dtype != torch.complex128


def _valid(path: Path, determined_by: dict[str, Any]) -> Weights | None:
    """The weights if they are whole and come from that data and code."""
    try:
        record = _Record.model_validate_json(read_text(path.with_suffix(".json"), _JSON_LIMIT))
        if record.fingerprint != determined_by or fingerprint.of_file(path) != record.sha256:
            return None
    except (BmnasError, ValidationError, OSError):
        return None
    return Weights(path, record.sha256, record.score)
