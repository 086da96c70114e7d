"""The record of a task with the files of its backbones' weights: found when features are there, kept with a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from bmnas.errors import BmnasError
from bmnas.files import write_atomically
from bmnas.taps import Tap
from bmnas.tasks.backbones import trained_weights
from bmnas.tasks.cache import file_name
from bmnas.tasks.loading import load
from bmnas.tasks.portable.record import SUFFIX, BackboneRecord, InputRecord, TaskRecord
from bmnas.tasks.progress import silent
from bmnas.tasks.store import FeatureStore
from bmnas.tasks.task import Task

FOLDER = "backbones"


@dataclass(frozen=True)
class Bundle:
    """What is kept with a network.

    Attributes:
        record: of the task.
        weights: by modality, a file, or its content; of the backbones that are kept.
    """

    record: TaskRecord
    weights: Mapping[str, Path | bytes]

    def save(self, genotype: Path, *, backbones: Path | None = None) -> None:
        """Write the record beside a genotype, and the weights of the backbones that are not there yet.

        Args:
            genotype: its file, ``NAME.json``; the record is ``NAME.model.json``.
            backbones: the folder that has the folder of the weights; the genotype's own if left out.

        Raises:
            BmnasError: a file cannot be written, or the cache has lost one.
        """
        for modality, given in self.weights.items():
            sha256 = self.record.backbones[modality].sha256
            kept = (backbones or genotype.parent) / FOLDER / weights_name(modality, sha256)
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(kept, given if isinstance(given, bytes) else _content(given))
        self.record.save(genotype.with_suffix(SUFFIX))


def bundle_of(task: Task, store: FeatureStore, *, device: torch.device, cache: Path | None) -> Bundle:
    """What a network that is trained on features takes along.

    Weights that a user gave, or a user's backbones came with, are named by their checksums alone: they may be large,
    and are no work of this package.

    Args:
        task: whose.
        store: its features.
        device: where its backbones run.
        cache: where they are kept.

    Raises:
        BmnasError: no sample can be read.
    """
    found = {
        modality: trained_weights(task, modality, device=device, cache=cache, report=silent)
        for modality in task.tapped_modalities
    }
    trained_here = type(task).train_backbone is not Task.train_backbone
    own = {modality for modality in found if trained_here and modality not in task.weights}
    backbones = {
        modality: BackboneRecord(sha256=weights.sha256, kept=modality in own) for modality, weights in found.items()
    }
    threshold = getattr(task.objective, "threshold", None)
    record = TaskRecord(
        task=task.name,
        invocation=task.invocation,
        options=dict(task.options),
        outputs=task.outputs,
        objective=task.objective.name,
        threshold=threshold if isinstance(threshold, float) else None,
        metric=task.metric.name,
        class_names=tuple(task.class_names),
        length=store.fingerprint["length"],
        precision=store.manifest.precision,
        batch=task.extraction_batch,
        features=task.features,
        shapes=dict(store.shapes),
        taps={name: Tap.of(task.taps[name]).as_json() for name in _tapped(task)},
        inputs=_inputs(task),
        backbones=backbones,
    )
    return Bundle(record, {modality: found[modality].path for modality in own})


def weights_name(modality: str, sha256: str) -> str:
    """The file of a backbone's weights."""
    return f"{file_name(modality)}-{sha256[:8]}.safetensors"


def _tapped(task: Task) -> list[str]:
    return [feature.name for feature in task.features if feature.modality not in task.ready]


def _inputs(task: Task) -> dict[str, InputRecord]:
    """What the first sample of training that can be read looks like."""
    source = task.split("train")
    for loaded in load(source, 1, workers=0):
        if loaded.batch is not None:
            inputs = loaded.batch.inputs
            return {modality: InputRecord.of(inputs[modality]) for modality in task.modalities}
    raise BmnasError(f"no sample of the train split of task {task.name} can be read")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BmnasError(f"{path}: the weights of a backbone cannot be read any more: {error.strerror}") from error
