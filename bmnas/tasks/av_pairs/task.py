"""What the tasks on pairs of clean digits have in common: signals, folds, backbones that know digits and no more."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.fit.threads import one_thread
from bmnas.genotype import Feature
from bmnas.tasks.av_digits import augmentation, degradation, files, log_mel, spectrograms
from bmnas.tasks.av_digits.augmentation import shift_images, shift_sounds
from bmnas.tasks.av_pairs import pairing, signals
from bmnas.tasks.av_pairs.pairing import Samples
from bmnas.tasks.av_pairs.signals import FOLDS, Signals
from bmnas.tasks.fingerprint import add_tensor
from bmnas.tasks.folder_task import FolderTask
from bmnas.tasks.models.audio_cnn import AudioCNN
from bmnas.tasks.models.image_cnn import ImageCNN
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.task import SPLITS, Split, SplitName
from bmnas.tasks.training import TrainingSettings, outputs_of, train

DIGITS = 10
# By depth: the submodule of either backbone, and the channels it returns.
_TAPS = (("stage1", 16), ("stage2", 32), ("stage3", 64), ("embedding", 64))
_IMAGE_TRAINING = TrainingSettings(epochs=4, batch_size=64, learning_rate=2e-3, seed=0)
_AUDIO_TRAINING = TrainingSettings(epochs=8, batch_size=64, learning_rate=2e-3, seed=0)


class AvPairsOptions(TaskOptions):
    """See `AvPairsTask`."""

    fold: int = Field(
        default=0, ge=0, lt=FOLDS, description="Which tenth of the recordings and of the images is for test."
    )


class AvPairsTask(FolderTask):
    """Images (N, 1, 28, 28) of digits with recordings (N, 51, 32) of digits, and a question about them.

    The backbones are trained on the digits of the training split's images and recordings, each by itself, so the
    features are good; what the question needs of them, the fusion has to find.

    Args:
        data: the folder of FSDD and MNIST, see `av_digits.files`.
        fold: 0 to 9, which tenth of the recordings and of the images is for test, see `Signals`. Over the ten folds
            every recording and every image is for test once.

    Attributes:
        fold: as it was given.

    Raises:
        BmnasError: there is no such fold.
    """

    Options: ClassVar[type[TaskOptions]] = AvPairsOptions

    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 32, "length": 8, "batch_size": 64, "epochs": 10, "train_epochs": 20}
    )
    code = (files, degradation, log_mel, spectrograms, augmentation, signals, pairing, ImageCNN, AudioCNN)

    def __init__(self, data: Path, fold: int = 0) -> None:
        if isinstance(fold, bool) or not isinstance(fold, int) or not 0 <= fold < FOLDS:
            raise BmnasError(f"the fold of task {self.name} is {fold!r}, but should be one of 0 to {FOLDS - 1}")
        self.options = MappingProxyType({"fold": fold})
        self.fold = fold
        self._signals = Signals(data, fold)

    @abstractmethod
    def _drawn(self, signals: Signals, name: SplitName) -> Samples:
        """The samples of a split."""

    @classmethod
    def needs(cls) -> str:
        """See `FolderTask.needs`."""
        return files.HOW_TO_GET

    def split(self, name: SplitName) -> Split:
        """The samples of a split, ordered by digit, speaker and index of the (first) recording.

        Raises:
            BmnasError: a file is missing or is not what it should be, or there are too few.
        """
        samples = self._samples[name]
        inputs = {modality: self._signal(modality)[_places(samples, modality)] for modality in self.modalities}
        return Split(inputs, torch.from_numpy(samples.labels))

    def view(self, name: SplitName, view: int) -> Split:
        """The samples of a split; view 0 as they are, the others shifted at random as when backbones are trained."""
        split = self.split(name)
        if view == 0:
            return split
        return Split({modality: _shift(modality)(split.inputs[modality]) for modality in split.inputs}, split.labels)

    def groups(self, name: SplitName) -> Tensor | None:
        """None: samples share recordings and images, and no speaker or writer has a split of their own."""
        return None

    def build_backbone(self, modality: str) -> nn.Module:
        """A small CNN for images, or one for spectrograms; it tells digits apart."""
        return ImageCNN(DIGITS) if modality == "Image" else AudioCNN(DIGITS)

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on the digits that the training split has, each signal once an epoch; seconds on one thread of a CPU.

        Returns: the accuracy with which the backbone recognises the digits of the validation split.
        """
        (data, digits), (held_out, held_out_digits) = (self.digits(modality, name) for name in ("train", "validation"))
        with one_thread():
            train(
                backbone,
                data,
                digits,
                nn.functional.cross_entropy,
                _IMAGE_TRAINING if modality == "Image" else _AUDIO_TRAINING,
                augment=_shift(modality),
                device=device,
                phase=f"backbone {modality}",
                report=report,
            )
            outputs = outputs_of(backbone, held_out, device=device)
        return self.metric.score(outputs, held_out_digits)

    def digits(self, modality: str, name: SplitName) -> tuple[Tensor, Tensor]:
        """The signals of a modality that a split uses, each once, and the digits (N,) that they are."""
        places = np.unique(_places(self._samples[name], modality))
        digits = self._signals.written if modality == "Image" else self._signals.spoken
        return self._signal(modality)[places], torch.from_numpy(digits[places]).long()

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of the signals, which of them are in which sample of which split, the digits, and the labels."""
        digest = hashlib.sha256()
        for modality in self.modalities if modalities is None else modalities:
            digest.update(f"input {modality!r}\n".encode())
            for name in SPLITS:
                for tensor in (*self.digits(modality, name), torch.from_numpy(_places(self._samples[name], modality))):
                    add_tensor(digest, tensor)
        for name in SPLITS:
            digest.update(f"labels {name}\n".encode())
            add_tensor(digest, torch.from_numpy(self._samples[name].labels))
        return digest.hexdigest()

    @cached_property
    def _samples(self) -> Mapping[SplitName, Samples]:
        return {name: self._drawn(self._signals, name) for name in SPLITS}

    def _signal(self, modality: str) -> Tensor:
        return self._signals.images if modality == "Image" else self._signals.spectrograms


def features_of(*modalities: str) -> tuple[Feature, ...]:
    """The features of ``Image`` and of recordings, from shallow to deep."""
    return tuple(
        Feature(name=f"{modality}_{depth}", modality=modality, channels=channels, reshape="sequence")
        for modality in modalities
        for depth, (_, channels) in enumerate(_TAPS, 1)
    )


def taps_of(*modalities: str) -> Mapping[str, str]:
    """Where the features are tapped."""
    return MappingProxyType(
        {f"{modality}_{depth}": name for modality in modalities for depth, (name, _) in enumerate(_TAPS, 1)}
    )


def _places(samples: Samples, modality: str) -> np.ndarray[Any, Any]:
    return samples.image if modality == "Image" else samples.recordings[modality]


def _shift(modality: str) -> Callable[[Tensor], Tensor]:
    return shift_images if modality == "Image" else shift_sounds
