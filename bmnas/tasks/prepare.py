"""Run the backbones of a task once and keep their pooled features; the next time they are only opened.

Pooling is passed in, so that cached features are what the compiled network computes from live ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bmnas.genotype import Feature
from bmnas.genotype.errors import BmnasError, did_you_mean
from bmnas.tasks import fingerprint as fingerprints, taps
from bmnas.tasks.backbones import Weights, load_backbone, trained_weights
from bmnas.tasks.cache import cache_folder, file_name, locked
from bmnas.tasks.progress import Progress, Report, silent
from bmnas.tasks.seeding import seeded
from bmnas.tasks.store import FeatureStore, StoreError
from bmnas.tasks.store_writer import StoreWriter
from bmnas.tasks.task import SPLITS, Backbone, SplitName, Task

# pool(feature (B, C, *trailing), reshape, length) -> (B, C, min(T, length)) for "sequence", (B, C, s, s) for "grid".
Pool = Callable[[Tensor, str, int], Tensor]

# Samples a forward pass. It is fixed, because other batch sizes can change the last bits of a feature.
BATCH = 128


def prepare(
    task: Task,
    *,
    length: int,
    pool: Pool,
    device: str | torch.device = "cpu",
    cache: Path | None = None,
    report: Report | None = None,
) -> FeatureStore:
    """The features of a task: from the cache if they are there and whole, else extracted, and kept there.

    A store in the cache is used only if it is complete, undamaged, and made from the same data, backbone weights,
    taps, length and code; with such a store no backbone is built. Processes that prepare the same store take turns.

    Args:
        task: whose.
        length: the length of the representation, to which ``pool`` pools.
        pool: ``pool(feature, reshape, length)``; features with reshape ``none`` are kept as they are.
        device: where the backbones run; the features come to the CPU.
        cache: the cache folder; by default ``$BMNAS_CACHE`` or the user's cache folder.
        report: receives progress, phases ``backbone <modality>`` and ``features <split>``.
    Raises:
        BmnasError: the cache cannot be written, or the task does not fit its backbones.
    """
    report = report or silent
    _check_taps(task)
    weights = {
        modality: trained_weights(task, modality, device=device, cache=cache, report=report)
        for modality in task.modalities
    }
    chosen = _chosen(task, length)
    folder = cache_folder(cache) / file_name(task.name) / "features" / fingerprints.of_json(chosen)[:16]
    # What the user chose names the folder. Weights and code do not: features of older ones are replaced in place.
    fingerprint = {
        **chosen,
        "backbones": {modality: found.sha256 for modality, found in weights.items()},
        "code": fingerprints.of_code(sys.modules[__name__], taps, type(task), *task.code, pool),
    }
    try:
        return FeatureStore.open(folder, fingerprint)
    except StoreError:
        pass  # looked at again under the lock: another process may be building it now
    with locked(folder, report):
        try:
            return FeatureStore.open(folder, fingerprint)
        except StoreError as error:
            why = "" if error.problem == "missing" else f"rebuilding: {error}"
        _extract(task, weights, folder, fingerprint, pool, torch.device(device), report, why)
        return FeatureStore.open(folder, fingerprint)


def extract_batch(
    task: Task, backbones: Mapping[str, Backbone], inputs: Mapping[str, Tensor], length: int, pool: Pool
) -> dict[str, Tensor]:
    """The pooled features of one batch of raw inputs (B, ...), by name, in the order of the task.

    Raises:
        BmnasError: a tap does not give what the task says.
    """
    features: dict[str, Tensor] = {}
    with torch.no_grad():
        for modality, backbone in backbones.items():
            live = taps.run_taps(backbone.module, backbone.taps, inputs[modality])
            for feature in (feature for feature in task.features if feature.modality == modality):
                features[feature.name] = _pooled(feature, live[feature.name], length, pool)
    return {feature.name: features[feature.name] for feature in task.features}


def _extract(
    task: Task,
    weights: Mapping[str, Weights],
    folder: Path,
    fingerprint: Mapping[str, Any],
    pool: Pool,
    device: torch.device,
    report: Report,
    why: str,
) -> None:
    backbones = {modality: load_backbone(task, modality, found).to(device) for modality, found in weights.items()}
    writer = StoreWriter(folder)
    with seeded(0, device):
        for split in SPLITS:
            _extract_split(task, backbones, split, fingerprint["length"], pool, device, writer, report, why)
    scores = {modality: found.score for modality, found in weights.items()}
    writer.finish(fingerprint, scores, {"torch": torch.__version__, "device": str(device)})


def _extract_split(
    task: Task,
    backbones: Mapping[str, Backbone],
    split: SplitName,
    length: int,
    pool: Pool,
    device: torch.device,
    writer: StoreWriter,
    report: Report,
    why: str,
) -> None:
    total, done = task.size(split), 0
    report(Progress(f"features {split}", 0, total, why))
    for batch in task.batches(split, BATCH):
        inputs = {modality: tensor.to(device) for modality, tensor in batch.inputs.items()}
        features = extract_batch(task, backbones, inputs, length, pool)
        writer.add(split, {name: feature.cpu() for name, feature in features.items()}, batch.labels.cpu())
        done += len(batch)
        report(Progress(f"features {split}", done, total))
    if done == 0:
        raise BmnasError(f"task {task.name!r} has no samples in its {split} split")
    writer.end_split(split)


def _pooled(feature: Feature, live: Tensor, length: int, pool: Pool) -> Tensor:
    if feature.channels not in (None, live.shape[1]):
        raise BmnasError(
            f"feature {feature.name!r} has {live.shape[1]} channels (shape {tuple(live.shape)}), "
            f"but the task says {feature.channels}"
        )
    return live if feature.reshape == "none" else pool(live, feature.reshape, length)


def _check_taps(task: Task) -> None:
    for feature in task.features:
        if feature.name not in task.taps:
            raise BmnasError(
                f"task {task.name!r} does not say where feature {feature.name!r} is tapped"
                f"{did_you_mean(feature.name, task.taps)}"
            )


def _chosen(task: Task, length: int) -> dict[str, Any]:
    return {
        "task": task.name,
        "options": dict(task.options),
        "data": task.data_fingerprint(),
        "features": [feature.model_dump(mode="json") for feature in task.features],
        "taps": {feature.name: task.taps[feature.name] for feature in task.features},
        "length": length,
    }
