"""The task `emoji`: to which of nine groups does a small picture with a few words belong?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.fit.threads import one_thread
from bmnas.genotype import Feature
from bmnas.tasks.av_digits import augmentation
from bmnas.tasks.av_digits.augmentation import shift_images
from bmnas.tasks.emoji import files, words
from bmnas.tasks.emoji.files import CLASSES, SIDE, Sample, read_picture, read_samples
from bmnas.tasks.emoji.words import PLACES, bags
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.models import image_cnn, text_mlp
from bmnas.tasks.models.image_cnn import ImageCNN
from bmnas.tasks.models.text_mlp import TextMLP
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.task import SPLITS, Split, SplitName
from bmnas.tasks.training import TrainingSettings, outputs_of, train

# By modality and depth: the submodule of the backbone, and the channels it returns.
_TAPS: Mapping[str, tuple[tuple[str, int], ...]] = MappingProxyType(
    {
        "Image": (("stage1", 16), ("stage2", 32), ("stage3", 64), ("embedding", 64)),
        "Text": (("layer1", 128), ("layer2", 64), ("layer3", 64)),
    }
)
_TRAINING: Mapping[str, TrainingSettings] = MappingProxyType(
    {
        "Image": TrainingSettings(epochs=30, batch_size=32, learning_rate=2e-3, weight_decay=0.05, seed=0),
        "Text": TrainingSettings(epochs=30, batch_size=32, learning_rate=2e-3, weight_decay=0.05, seed=0),
    }
)


class EmojiTask(FolderTask):
    """1,377 emoji of 9 groups; inputs ``Image`` (N, 3, 32, 32) and ``Text`` (N, 2048), see `read_picture` and `bags`.

    The pictures are EmojiTwo's, the words a description and tags. The list of samples says which split each is in.
    """

    name = "emoji"
    outputs = len(CLASSES)
    class_names = CLASSES
    features = tuple(
        Feature(name=f"{modality}_{depth}", modality=modality, channels=channels, reshape="sequence")
        for modality, taps in _TAPS.items()
        for depth, (_, channels) in enumerate(taps, 1)
    )
    taps = MappingProxyType(
        {f"{modality}_{depth}": name for modality, taps in _TAPS.items() for depth, (name, _) in enumerate(taps, 1)}
    )
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 32, "length": 8, "batch_size": 64, "epochs": 20, "train_epochs": 50}
    )
    code = (files, words, augmentation, image_cnn, text_mlp)

    def __init__(self, data: Path) -> None:
        self._data = data

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return files.HOW_TO_GET

    def split(self, name: SplitName) -> Split:
        """The samples of a split in the order of the list.

        Raises:
            BmnasError: the list or a picture is missing or is not what it should be, or the split is empty.
        """
        samples = self._of(name)
        inputs = {modality: self._inputs(modality, name) for modality in self.modalities}
        return Split(inputs, torch.tensor([sample.label for sample in samples]))

    def view(self, name: SplitName, view: int) -> Split:
        """The samples of a split; in all views but view 0 pictures are shifted and words left out, at random."""
        split = self.split(name)
        if view == 0:
            return split
        return Split({name: _augmented(name, split.inputs[name]) for name in self.modalities}, split.labels)

    def groups(self, name: SplitName) -> Tensor | None:
        """None: the samples are no groups."""
        return None

    def build_backbone(self, modality: str) -> nn.Module:
        """A small CNN for pictures, or three layers for words."""
        return ImageCNN(self.outputs, side=SIDE, colours=3) if modality == "Image" else TextMLP(self.outputs, PLACES)

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on the training split; seconds on one thread of a CPU. Returns the validation score."""
        data, held_out = self.split("train"), self.split("validation")
        with one_thread():
            train(
                backbone,
                data.inputs[modality],
                data.labels,
                self.loss,
                _TRAINING[modality],
                augment=shift_images if modality == "Image" else None,
                device=device,
                phase=f"backbone {modality}",
                report=report,
            )
            outputs = outputs_of(backbone, held_out.inputs[modality], device=device)
        return self.metric.score(outputs, held_out.labels)

    def _of(self, name: SplitName) -> Sequence[Sample]:
        for split in SPLITS:
            if not any(sample.split == split for sample in self._samples):
                raise BmnasError(f"{self._data / files.LIST}: no sample is in the {split} split; each split needs some")
        return [sample for sample in self._samples if sample.split == name]

    def _inputs(self, modality: str, name: SplitName) -> Tensor:
        chosen = torch.tensor([place for place, sample in enumerate(self._samples) if sample.split == name])
        return (self._pictures if modality == "Image" else self._bags)[chosen]

    @cached_property
    def _samples(self) -> Sequence[Sample]:
        return read_samples(self._data)

    @cached_property
    def _pictures(self) -> Tensor:
        return torch.stack([read_picture(sample.path) for sample in self._samples])

    @cached_property
    def _bags(self) -> Tensor:
        return bags([sample.text for sample in self._samples])


def _augmented(modality: str, batch: Tensor) -> Tensor:
    return shift_images(batch) if modality == "Image" else nn.functional.dropout(batch, 0.2)
