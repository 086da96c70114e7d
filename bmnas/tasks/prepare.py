"""Run the backbones of a task once and keep their pooled features; the next time they are only opened.

Pooling is passed in, so that cached features are what the compiled network computes from live ones.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from typing import Any

import torch

from bmnas.errors import BmnasError, did_you_mean
from bmnas.fit.ambient import undisturbed
from bmnas.fit.seeding import seeded
from bmnas.taps import Tap, fields, hooks, liveness, tap as tap_module, tapped, tracing
from bmnas.tasks import extraction as extraction_module, fingerprint as fingerprints
from bmnas.tasks.backbones import Weights, load_backbone, trained_weights
from bmnas.tasks.bad_sample import BadSample
from bmnas.tasks.batches import check_batches
from bmnas.tasks.cache import cache_folder, file_name, locked
from bmnas.tasks.extraction import Extraction, Extractor, Pool, extract
from bmnas.tasks.progress import Remark, Report, silent
from bmnas.tasks.store import MANIFEST, FeatureStore, StoreError
from bmnas.tasks.store.fitting import refuse_unfit
from bmnas.tasks.store.memory import budget
from bmnas.tasks.task import Task

_TAPPING = (tap_module, tapped, fields, hooks, tracing, liveness)


def prepare(
    task: Task,
    *,
    length: int,
    pool: Pool,
    extraction: Extraction | None = None,
    device: str | torch.device = "cpu",
    cache: Path | None = None,
    report: Report | None = None,
) -> FeatureStore:
    """The features of a task: from the cache if they are there and whole, else extracted, and kept there.

    A store in the cache is used only if it is complete, undamaged, and made from the same data, backbone weights,
    taps, length and code; with such a store no backbone is built. Processes that prepare the same store take turns; an
    extraction that was killed is continued.

    Args:
        task: whose.
        length: the length of the representation, to which ``pool`` pools.
        pool: ``pool(feature, reshape, length)``; features with reshape ``none`` are kept as they are.
        extraction: views, precision, workers; the task's own settings if left out.
        device: where the backbones run; the features come to the CPU.
        cache: the cache folder; by default ``$BMNAS_CACHE`` or the user's cache folder.
        report: receives progress, phases ``backbone <modality>`` and ``features <split>``.
    Raises:
        BmnasError: the cache cannot be written, the data cannot be used, or the task does not fit its backbones.
    """
    with undisturbed():
        chosen = device, cache, report or silent
        return _prepared(task, operator.index(length), pool, extraction or Extraction(), *chosen)


def _prepared(
    task: Task,
    length: int,
    pool: Pool,
    how: Extraction,
    device: str | torch.device,
    cache: Path | None,
    report: Report,
) -> FeatureStore:
    budget()  # whether $BMNAS_MEMORY is a number is asked before the work, not after it
    _check_taps(task)
    _check_length(task, length)
    chosen = _chosen(task, length, how)
    folder = cache_folder(cache) / file_name(task.name) / "features" / fingerprints.of_json(chosen)[:16]
    if not (folder / MANIFEST).exists():
        _check_data(task, how)  # before backbones are trained
    weights = {
        modality: trained_weights(task, modality, device=device, cache=cache, report=report)
        for modality in task.tapped_modalities
    }
    # What the user chose names the folder. Weights and code do not: features of older ones are replaced in place.
    fingerprint = {
        **chosen,
        "backbones": {modality: found.sha256 for modality, found in weights.items()},
        "code": fingerprints.of_code(extraction_module, *(_TAPPING if weights else ()), type(task), *task.code, pool),
    }
    store = _made(task, folder, fingerprint, weights, pool, length, how, device, report)
    for remark in task.remarks():
        report(Remark(remark))
    return store


def _made(
    task: Task,
    folder: Path,
    fingerprint: dict[str, Any],
    weights: Mapping[str, Weights],
    pool: Pool,
    length: int,
    how: Extraction,
    device: str | torch.device,
    report: Report,
) -> FeatureStore:
    """The store in the folder, or a new one where that is not whole, not of this fingerprint, or does not fit."""
    try:
        return _opened(task, folder, fingerprint)
    except StoreError:
        pass  # looked at again under the lock: another process may be building it now
    with locked(folder, report):
        try:
            return _opened(task, folder, fingerprint)
        except StoreError as error:
            why = "" if error.problem == "missing" else f"rebuilding: {error}"
        where = torch.device(device)
        backbones = {modality: load_backbone(task, modality, found).to(where) for modality, found in weights.items()}
        extractor = Extractor(task, backbones, pool, length, where, how)
        check_batches(extractor)
        scores = {modality: found.score for modality, found in weights.items()}
        extract(extractor, folder, fingerprint, scores, report, why)
        return FeatureStore.open(folder, fingerprint)


def _opened(task: Task, folder: Path, fingerprint: dict[str, Any]) -> FeatureStore:
    store = FeatureStore.open(folder, fingerprint)
    refuse_unfit(store, task)
    return store


def _check_taps(task: Task) -> None:
    for feature in task.features:
        if feature.modality not in task.ready and feature.name not in task.taps:
            raise BmnasError(
                f"task {task.name!r} does not say where feature {feature.name!r} is tapped"
                f"{did_you_mean(feature.name, task.taps)}"
            )


def _check_length(task: Task, length: int) -> None:
    for feature in task.features:
        if feature.reshape == "grid" and isqrt(length) ** 2 != length:
            raise BmnasError(
                f"feature {feature.name!r} is kept as a grid, which needs a square length (4, 9, 16, ...), not {length}"
                "; --length 9 chooses one"
            )


def _check_data(task: Task, how: Extraction) -> None:
    try:
        task.check()
    except BadSample:
        if not how.skip_bad:
            raise
    if how.views > 1:
        with seeded(1):
            task.view("train", 1)


def _chosen(task: Task, length: int, how: Extraction) -> dict[str, Any]:
    chosen = {
        "task": task.name,
        "options": dict(task.options),
        "data": task.data_fingerprint(),
        "features": [feature.model_dump(mode="json") for feature in task.features],
        "taps": {
            feature.name: Tap.of(task.taps[feature.name]).as_json()
            for feature in task.features
            if feature.modality not in task.ready
        },
        "length": length,
        **how.decisive,
    }
    # As it is read back from a manifest: a tuple in the options of a task is a list there.
    return dict(json.loads(json.dumps(chosen)))
