"""The task `av-digits`: a digit is spoken (FSDD) and written (MNIST), and noise leaves either insufficient alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.fit.threads import one_thread
from bmnas.genotype import Feature
from bmnas.tasks.av_digits import augmentation, degradation, files, log_mel, pairs, spectrograms
from bmnas.tasks.av_digits.augmentation import shift_images, shift_sounds
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.models.audio_cnn import AudioCNN
from bmnas.tasks.models.image_cnn import ImageCNN
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.task import Split, SplitName
from bmnas.tasks.training import TrainingSettings, outputs_of, train

# By depth: the submodule of either backbone, and the channels it returns.
_TAPS = (("stage1", 16), ("stage2", 32), ("stage3", 64), ("embedding", 64))
_TRAINING = TrainingSettings(epochs=15, batch_size=64, learning_rate=2e-3, seed=0)


class AvDigitsTask(FolderTask):
    """Pairs of a recording and an image of the same digit; inputs ``Image`` (N, 1, 28, 28), ``Audio`` (N, 51, 32).

    Splits by the index of the recording in FSDD: 0-4 test (FSDD's official test part), 5-9 validation, 10-49 train
    (together FSDD's training part). Each recording is paired with an image of MNIST's test file that no other pair has.
    Images and sounds are degraded with fixed noise, see `degradation`.
    """

    name = "av-digits"
    outputs = 10
    class_names = tuple("0123456789")
    features = tuple(
        Feature(name=f"{modality}_{depth}", modality=modality, channels=channels, reshape="sequence")
        for modality in ("Image", "Audio")
        for depth, (_, channels) in enumerate(_TAPS, 1)
    )
    taps = MappingProxyType(
        {f"{modality}_{depth}": name for modality in ("Image", "Audio") for depth, (name, _) in enumerate(_TAPS, 1)}
    )
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 32, "length": 8, "batch_size": 64, "epochs": 20, "train_epochs": 50}
    )
    code = (files, degradation, log_mel, spectrograms, pairs, augmentation, ImageCNN, AudioCNN)

    def __init__(self, data: Path) -> None:
        self._pairs = pairs.Pairs(data)

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return files.HOW_TO_GET

    def split(self, name: SplitName) -> Split:
        """The pairs of a split, ordered by digit, speaker and index of the recording.

        Raises:
            BmnasError: a file is missing or is not what it should be, or the files do not make pairs.
        """
        members = self._pairs.members(name)
        inputs = {modality: self._inputs(modality)[members] for modality in self.modalities}
        return Split(inputs, self._pairs.labels[members])

    def view(self, name: SplitName, view: int) -> Split:
        """The pairs of a split; view 0 as they are, the others shifted at random as when the backbones are trained."""
        split = self.split(name)
        if view == 0:
            return split
        return Split({modality: _AUGMENT[modality](split.inputs[modality]) for modality in split.inputs}, split.labels)

    def build_backbone(self, modality: str) -> nn.Module:
        """A small CNN for images, or one for spectrograms."""
        return ImageCNN(self.outputs) if modality == "Image" else AudioCNN(self.outputs)

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on the training split with shifted inputs; less than a minute on one thread of a CPU."""
        data, held_out = self.split("train"), self.split("validation")
        phase = f"backbone {modality}"
        with one_thread():
            train(
                backbone,
                data.inputs[modality],
                data.labels,
                self.loss,
                _TRAINING,
                augment=_AUGMENT[modality],
                device=device,
                phase=phase,
                report=report,
            )
            outputs = outputs_of(backbone, held_out.inputs[modality], device=device)
        return self.metric.score(outputs, held_out.labels)

    def _inputs(self, modality: str) -> Tensor:
        return self._pairs.images if modality == "Image" else self._pairs.spectrograms


_AUGMENT: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({"Image": shift_images, "Audio": shift_sounds})
