"""Run the frozen backbones over a task's samples and write their pooled features into a store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean
from bmnas.fit.ambient import running_on
from bmnas.fit.seeding import seeded
from bmnas.genotype import Feature
from bmnas.genotype.schema import Frozen
from bmnas.tasks.bad_sample import SKIPPING
from bmnas.tasks.loading import load, noticing_dead_workers
from bmnas.tasks.progress import Progress, Report
from bmnas.tasks.running import run
from bmnas.tasks.sample_checks import check_lengths, with_checked_labels, with_finite_features
from bmnas.tasks.store import Skipped, StoreWriter
from bmnas.tasks.store.manifest import Precision
from bmnas.tasks.task import SPLITS, Backbone, Split, SplitName, Task
from bmnas.tasks.tree import Tree, mapped

# pool(feature (B, C, *trailing), reshape, length) -> (B, C, min(T, length)) for "sequence", (B, C, s, s) for "grid".
# Where the samples have lengths of their own, pool(feature, "sequence", length, lengths (B,)) -> (B, C, length).
Pool = Callable[..., Tensor]


class Extraction(Frozen):
    """How features are extracted."""

    views: int = Field(
        default=1, ge=1, le=999, description="Views of a training sample: the plain one, and augmented ones beside it."
    )
    precision: Precision = Field(
        default="float32",
        description="Numbers in which features are kept; on a GPU the backbones compute in them, too.",
    )
    workers: int | None = Field(
        default=None, ge=0, le=256, description="Processes that read samples; as many as suit the machine if left out."
    )
    skip_bad: bool = Field(default=False, description="Leave samples out that cannot be read, and record them.")

    @property
    def decisive(self) -> dict[str, Any]:
        """What decides the numbers."""
        return {"views": self.views, "precision": self.precision}


@dataclass(frozen=True, eq=False)
class Extractor:
    """What turns a batch of raw inputs into features.

    Attributes:
        task: whose.
        backbones: by modality, on ``device``.
        pool: ``pool(feature, reshape, length)``; features with reshape ``none`` are kept as they are.
        length: the length of the representation.
        device: where the backbones run.
        how: views, precision, workers.
    """

    task: Task
    backbones: Mapping[str, Backbone]
    pool: Pool
    length: int
    device: torch.device
    how: Extraction

    @property
    def in_16_bits(self) -> bool:
        """Whether the backbones compute in 16 bits. On a CPU they do not, as that is rarely faster there."""
        return self.device.type != "cpu" and self.how.precision != "float32"

    def features(self, batch: Split) -> dict[str, Tensor]:
        """Features of a batch by name, on the CPU, in the precision in which they are kept."""
        inputs = {modality: self._moved(batch.inputs[modality]) for modality in self.task.modalities}
        with self._computing():
            features = extract_batch(self.task, self.backbones, inputs, self.length, self.pool, batch.lengths)
        return {name: feature.to(self._dtype).cpu() for name, feature in features.items()}

    def live(self, modality: str, inputs: Tree) -> dict[str, Tensor]:
        """What comes out at the taps of one backbone, on ``device``."""
        with self._computing(), torch.no_grad():
            return run(self.backbones[modality].tapped, self._moved(inputs), modality)

    @property
    def _dtype(self) -> torch.dtype:
        return getattr(torch, self.how.precision)

    def _moved(self, inputs: Tree) -> Tree:
        return mapped(lambda tensor: tensor.to(self.device, non_blocking=True), inputs)

    @contextlib.contextmanager
    def _computing(self) -> Iterator[None]:
        autocast = torch.autocast(self.device.type, self._dtype) if self.in_16_bits else contextlib.nullcontext()
        with autocast, running_on(self.device):
            yield


def extract(
    extractor: Extractor,
    folder: Path,
    fingerprint: Mapping[str, Any],
    scores: Mapping[str, float | None],
    report: Report,
    remark: str = "",
) -> None:
    """Extract the features of every split into ``folder``, going on where an earlier extraction was killed.

    Args:
        extractor: computes them.
        folder: of the store.
        fingerprint: what determines the features.
        scores: of the backbones, for the manifest.
        report: receives progress, phases ``features <split>``.
        remark: why the work is done, for the first report.
    Raises:
        BmnasError: a sample is bad, a split is empty, a tap does not give what the task says, or the disk is full.
    """
    how, device = extractor.how, extractor.device
    writer = StoreWriter(folder, fingerprint, precision=how.precision, batch=extractor.task.extraction_batch)
    with writer, seeded(0, device), noticing_dead_workers():
        for split in SPLITS:
            for view in range(how.views if split == "train" else 1):
                _extract_view(extractor, writer, split, view, report, remark)
                remark = ""
        writer.finish(scores, {"torch": torch.__version__, "device": str(device)})


def extract_batch(
    task: Task,
    backbones: Mapping[str, Backbone],
    inputs: Mapping[str, Any],
    length: int,
    pool: Pool,
    lengths: Mapping[str, Tensor] = MappingProxyType({}),
) -> dict[str, Tensor]:
    """The pooled features of one batch of raw inputs (B, ...), by name, in the order of the task.

    Args:
        task: whose.
        backbones: by modality; of those that are ready the input is the features.
        inputs: by modality.
        length: L of the representation.
        pool: see `Pool`.
        lengths: by feature, how many positions of each sample are there (B,), where some are padding.

    Raises:
        BmnasError: a backbone fails, or a tap does not give what the task says.
    """
    features: dict[str, Tensor] = {}
    own = {*task.taps, *(feature.name for feature in task.features)}
    for name in lengths:
        if name not in own:
            raise BmnasError(f"lengths are given of {name!r}, which is no feature{did_you_mean(name, own)}")
    with torch.no_grad():
        for modality in task.modalities:
            given = inputs[modality]
            live = given if modality in task.ready else run(backbones[modality].tapped, given, modality)
            for feature in (feature for feature in task.features if feature.modality == modality):
                features[feature.name] = _pooled(feature, live[feature.name], length, pool, lengths.get(feature.name))
    return {feature.name: features[feature.name] for feature in task.features}


def _extract_view(
    extractor: Extractor, writer: StoreWriter, split: SplitName, view: int, report: Report, remark: str
) -> None:
    task, how = extractor.task, extractor.how
    with seeded(view):
        source = task.view(split, view)
    total, phase = len(source), f"features {split}" + (f", view {view + 1}" if view else "")
    if total == 0:
        raise BmnasError(f"task {task.name!r} has no samples in its {split} split")
    start = writer.begin(split, view)
    if start is None:
        report(Progress(phase, total, total, "done before", "samples"))
        return
    report(Progress(phase, start, total, remark or ("continued" if start else ""), "samples"))
    # What is left out of the plain view is left out of all, so that the views have the same samples.
    skip = frozenset(entry.index for entry in writer.skipped if entry.split == split) if view else frozenset()
    for loaded in load(source, task.extraction_batch, start=start, skip=skip, workers=how.workers, seed=view):
        loaded = with_checked_labels(task, source, loaded)
        features = extractor.features(loaded.batch) if loaded.batch is not None else {}
        loaded, features = with_finite_features(source, loaded, features)
        for bad in loaded.bad:
            if view or bad.common or not how.skip_bad:
                few = not bad.common and len(loaded.bad) <= len(loaded.kept)
                hint, which = ("", f", view {view + 1}") if view else (SKIPPING if few else "", "")
                raise BmnasError(f"sample {bad.index} of the {split} split{which} of task {task.name}: {bad.why}{hint}")
        skipped = [Skipped(split=split, index=bad.index, why=bad.why) for bad in loaded.bad]
        labels = loaded.batch.labels if loaded.batch is not None else torch.empty(0)
        writer.add(features, labels, loaded.stop, skipped)
        left_out = len(writer.skipped)
        report(Progress(phase, loaded.stop, total, f"{left_out} left out" if left_out else "", "samples"))
    if writer.end() == 0:
        raise BmnasError(f"no sample of the {split} split of task {task.name} can be used")


def _pooled(feature: Feature, live: Tensor, length: int, pool: Pool, lengths: Tensor | None) -> Tensor:
    if feature.channels not in (None, live.shape[1]):
        raise BmnasError(
            f"feature {feature.name!r} has {live.shape[1]} channels (shape {tuple(live.shape)}), "
            f"but the task says {feature.channels}"
        )
    if lengths is not None:
        check_lengths(feature, live, lengths)
        return pool(live, feature.reshape, length, lengths)
    return live if feature.reshape == "none" else pool(live, feature.reshape, length)
