"""The task ``egogesture``: 83 gestures of 50 people, seen as clips in colour and in depth; the split is by people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.tasks import fingerprint
from bmnas.tasks.bad_sample import SKIPPING, BadSample
from bmnas.tasks.egogesture import (
    annotations as annotations_module,
    clips,
    frames,
    gestures,
    index as index_module,
    pictures,
    samples,
    weights as weights_module,
)
from bmnas.tasks.egogesture.annotations import read_annotations
from bmnas.tasks.egogesture.clips import Clips
from bmnas.tasks.egogesture.gestures import GESTURES, SAMPLES
from bmnas.tasks.egogesture.index import find_index, read_index
from bmnas.tasks.egogesture.layout import ANNOTATIONS, EXPECTED, find_images, unannotated
from bmnas.tasks.egogesture.presence import problem_of_files, stamp
from bmnas.tasks.egogesture.samples import Sample, split_of
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.models import resnext3d
from bmnas.tasks.models.resnext3d import ResNeXt3D
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.source_training import SourceTraining, train_on_source
from bmnas.tasks.state_files import read_state
from bmnas.tasks.task import SPLITS, SplitName

Preprocessing = Literal["corrected", "released"]

# By modality, the channels of its clips; and of each tap of the network the channels.
_CHANNELS: Mapping[str, int] = MappingProxyType({"RGB": 3, "Depth": 1})
_TAPS = (("layer2", 512), ("layer3", 1024), ("layer4", 2048), ("avgpool", 2048))


# Nobody has tried them on the data set.
_TRAINING = SourceTraining(epochs=30, batch_size=32, learning_rate=3e-4, weight_decay=1e-3)


class EgoGestureOptions(TaskOptions):
    """See `EgoGestureTask`."""

    preprocessing: Preprocessing = Field(
        default="corrected", description="What the networks see: corrected, or released, for published checkpoints."
    )
    index: str | None = Field(default=None, description="File of a ready-made index, in place of the annotations.")
    rgb_start: str | None = Field(default=None, description="File of weights with which training for RGB begins.")
    depth_start: str | None = Field(default=None, description="File of weights with which training for depth begins.")


class EgoGestureTask(FolderTask):
    """24,161 samples; inputs ``RGB`` (N, 3, 32, 112, 112) and ``Depth`` (N, 1, 32, 112, 112), see `Clips`.

    Args:
        data: the folder, in the official layout, see `layout`.
        preprocessing: ``corrected``, or ``released`` for published checkpoints, which were trained on that.
        index: a ready-made index, which is read instead of the annotations.
        rgb_start: a file of weights, trained on other clips, with which the training of the network for RGB begins.
        depth_start: one for depth; it may be of a network for RGB whose first kernel sees seven frames, see `begin`.
    """

    Options: ClassVar[type[TaskOptions]] = EgoGestureOptions

    name = "egogesture"
    outputs = len(GESTURES)
    class_names = GESTURES
    features = tuple(
        Feature(name=f"{modality}_{depth}", modality=modality, channels=channels, reshape="sequence")
        for modality in _CHANNELS
        for depth, (_, channels) in enumerate(_TAPS, 1)
    )
    taps = MappingProxyType(
        {f"{modality}_{depth}": tap for modality in _CHANNELS for depth, (tap, _) in enumerate(_TAPS, 1)}
    )
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 128, "length": 8, "batch_size": 72, "epochs": 7, "train_epochs": 60}
    )
    code = (annotations_module, clips, frames, gestures, index_module, pictures, samples, weights_module, resnext3d)
    # A clip takes some 50 MB on its way through the first layers.
    extraction_batch = 16

    def __init__(
        self,
        data: Path,
        *,
        preprocessing: Preprocessing = "corrected",
        index: str | None = None,
        rgb_start: str | None = None,
        depth_start: str | None = None,
    ) -> None:
        self.folder, self.preprocessing, self.index = data, preprocessing, index
        self.starts = {"RGB": rgb_start, "Depth": depth_start}
        self.options = {
            "preprocessing": preprocessing,
            "index": index,
            "rgb_start": rgb_start,
            "depth_start": depth_start,
        }

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return EXPECTED

    def split(self, name: SplitName) -> Clips:
        """The samples of a split, sorted by subject, scene and group; the frames in the middle of each.

        Raises:
            BmnasError: the folder does not hold the data set, or the annotations are wrong; the message says where.
        """
        return self._clips(name, augmented=False)

    def view(self, name: SplitName, view: int) -> Clips:
        """The samples of a split; in all views but view 0 frames and cut are drawn at random."""
        return self._clips(name, augmented=view > 0)

    def groups(self, name: SplitName) -> Tensor:
        """The subjects (N,) of a split's samples."""
        return torch.tensor([sample.recording.subject for sample in self._samples[name]], dtype=torch.int64)

    def check(self) -> None:
        """Look at every annotation, and at the first and the last frame of every sample.

        Raises:
            BadSample: a sample cannot be used.
            BmnasError: what else is wrong with the folder.
        """
        super().check()
        for name in SPLITS:
            for place, sample in enumerate(self._samples[name]):
                wrong = sample.wrong or problem_of_files(self._images, self.modalities, sample)
                if wrong:
                    where = f"sample {place} of the {name} split of task {self.name}, {sample.place}"
                    raise BadSample(f"{where}: {wrong}{SKIPPING}")

    def remarks(self) -> Sequence[str]:
        """See `Task.remarks`; and what of the data set is missing, and which preprocessing suits published weights."""
        said = [*super().remarks()]
        for name in SPLITS:
            count = len(self._samples[name])
            if count != SAMPLES[name]:
                said.append(f"the {name} split has {count} samples, that of the whole data set {SAMPLES[name]}")
        if self._elsewhere:
            said.append(f"the index has {self._elsewhere} samples in another subset than their subject is here")
        if self.weights and self.preprocessing == "corrected":
            said.append("published checkpoints were trained with the option preprocessing=released")
        return said

    def build_backbone(self, modality: str) -> nn.Module:
        """A 3D ResNeXt-101 with initial weights."""
        return ResNeXt3D(self.outputs, _CHANNELS[modality])

    def own_names(self, modality: str, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """See `Task.own_names`; weights of the other modality are refused."""
        return weights_module.own_names(modality, state)

    def begin_backbone(self, modality: str, backbone: nn.Module) -> None:
        """Load the weights with which the training of a backbone begins, if a file of them is chosen.

        Raises:
            BmnasError: the file cannot be read, or is of another network.
        """
        start = self.starts[modality]
        if start is None:
            return
        path = Path(start).expanduser()
        state = read_state(path, backbone.state_dict())
        try:
            weights_module.begin(modality, backbone, state)
        except BmnasError as error:
            raise BmnasError(f"{path}: {error}") from None

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on augmented clips, from the chosen weights where there are such; returns the validation score."""
        self.begin_backbone(modality, backbone)
        return train_on_source(self, modality, backbone, _TRAINING, device=device, report=report)

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of all annotations, of sizes and times of every sample's first and last frame, and of the weights
        with which training begins."""
        digest, chosen = hashlib.sha256(), tuple(self.modalities if modalities is None else modalities)
        for modality in chosen:
            if (start := self.starts[modality]) is not None and Path(start).expanduser().is_file():
                digest.update(f"{modality} begins with {fingerprint.of_file(Path(start).expanduser())}\n".encode())
        for name in SPLITS:
            for sample in self._samples[name]:
                digest.update(f"{name} {sample.recording} {sample.label} {sample.first} {sample.last}\n".encode())
                for modality in chosen:
                    digest.update(f"{modality}: {stamp(self._images, modality, sample)}\n".encode())
        return digest.hexdigest()

    def _group_name(self, group: int) -> str:
        return f"subject {group}"

    def _clips(self, name: SplitName, *, augmented: bool) -> Clips:
        own = self._samples[name]
        return Clips(self._images, own, self.modalities, preprocessing=self.preprocessing, augmented=augmented)

    @cached_property
    def _images(self) -> Path:
        return find_images(self.folder)

    @property
    def _samples(self) -> Mapping[SplitName, Sequence[Sample]]:
        return self._read[0]

    @property
    def _elsewhere(self) -> int:
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Mapping[SplitName, Sequence[Sample]], int]:
        """The samples by split, and how many are in another subset of an index."""
        try:
            found, elsewhere = self._listed()
            images = self._images
        except OSError as error:
            raise BmnasError(f"{error.filename or self.folder}: cannot be read: {error.strerror}") from error
        by_split: dict[SplitName, list[Sample]] = {name: [] for name in SPLITS}
        for sample in found:
            by_split[split_of(sample.recording, sample.place)].append(sample)
        for name, own in by_split.items():
            if not own:
                subjects = ", ".join(map(str, gestures.SUBJECTS[name]))
                raise BmnasError(
                    f"{images}: the {name} split is empty, because there is no sample of subject {subjects}"
                )
        return by_split, elsewhere

    def _listed(self) -> tuple[list[Sample], int]:
        if self.index is not None:
            return read_index(Path(self.index).expanduser())
        if (self.folder / ANNOTATIONS).is_dir():
            return read_annotations(self.folder), 0
        find_images(self.folder)  # in a folder of something else, JSON files are of something else, too
        index = find_index(self.folder)
        if index is None:
            raise unannotated(self.folder)
        return read_index(index)
