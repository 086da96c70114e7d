"""What a task is: labelled multimodal data in three splits, a backbone for each modality, a loss and a metric.

A task is written by subclassing `Task`; the feature store, the search and the training know tasks only through it.
"""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from bmnas.genotype import Feature
from bmnas.genotype.errors import BmnasError, did_you_mean
from bmnas.tasks.fingerprint import add_tensor
from bmnas.tasks.metrics import Metric, accuracy
from bmnas.tasks.progress import Report, silent

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of a task, all of a split or one batch of it, as the backbones take them.

    Attributes:
        inputs: by modality, (N, ...).
        labels: (N,) class indices, or (N, outputs) where the loss takes those.
    """

    inputs: Mapping[str, Tensor]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, stop: int) -> Split:
        """Samples ``start`` to ``stop`` (excluded); the tensors are views."""
        inputs = {modality: tensor[start:stop] for modality, tensor in self.inputs.items()}
        return Split(inputs, self.labels[start:stop])


class Task(ABC):
    """One fusion problem.

    Attributes:
        name: as the command line and the cache know it.
        features: every tapped feature, modality by modality, from shallow to deep; each with its channels.
        taps: by feature name, the name of the backbone's submodule whose output the feature is.
        outputs: how many numbers the network returns for a sample.
        metric: what the search maximises on the validation split and reports on the test split.
        settings: the settings of a search that suit the task, used where the user names none; among ``channels``,
            ``length``, ``batch_size``, ``epochs``, and ``train_epochs`` for the training of a network.
        options: what the user chose of the data or the backbones, as JSON values; a part of every fingerprint.
        code: modules, functions or classes, besides the task's own class, whose source determines the numbers; where it
            changes, backbones and features are made anew.
    """

    name: str
    features: tuple[Feature, ...]
    taps: Mapping[str, str]
    outputs: int
    metric: Metric = accuracy
    settings: Mapping[str, Any] = MappingProxyType({})
    options: Mapping[str, Any] = MappingProxyType({})
    code: tuple[object, ...] = ()

    @classmethod
    def open(cls, data: Path | None = None) -> Self:
        """The task as a command names it; ``data`` is the folder of its data.

        A task with data of its own overrides this method; it reads nothing yet.

        Raises:
            BmnasError: a folder is given but not needed, or the other way round.
        """
        if data is not None:
            raise BmnasError(f"task {cls.name} brings its own data; leave --data out")
        return cls()

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities in the order of their features."""
        return tuple(dict.fromkeys(feature.modality for feature in self.features))

    def with_modalities(self, names: Sequence[str]) -> Self:
        """The same task with some of its modalities alone, in the task's own order; upper and lower case are one.

        Raises:
            BmnasError: a name is no modality of the task, or there is none.
        """
        known = {modality.casefold(): modality for modality in self.modalities}
        for name in names:
            if name.casefold() not in known:
                raise BmnasError(
                    f"task {self.name} has no modality {name!r}{did_you_mean(name, self.modalities)}; "
                    f"it has {', '.join(self.modalities)}"
                )
        if not names:
            raise BmnasError(f"no modality is named; task {self.name} has {', '.join(self.modalities)}")
        chosen = {known[name.casefold()] for name in names}
        task = copy.copy(self)
        task.features = tuple(feature for feature in self.features if feature.modality in chosen)
        return task

    @abstractmethod
    def split(self, name: SplitName) -> Split:
        """All samples of a split, in a fixed order."""

    @abstractmethod
    def build_backbone(self, modality: str) -> nn.Module:
        """A new backbone of the modality, with pretrained weights, or else with the initial ones.

        It is called with torch's generators seeded, maps the modality's input (B, ...) to anything, and runs every
        tapped submodule once in a forward pass.
        """

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float | None:
        """Train a backbone in place on the training split; called once with torch's generators seeded, then cached.

        Returns: the backbone's own score on the validation split, or ``None`` if it has none. A task whose backbones
            come trained leaves this method as it is.
        """
        return None

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of outputs (B, outputs), mean over the batch: cross entropy, unless a task says otherwise."""
        return nn.functional.cross_entropy(outputs, labels)

    def size(self, split: SplitName) -> int:
        """The number of samples of a split."""
        return len(self.split(split))

    def batches(self, split: SplitName, size: int) -> Iterator[Split]:
        """The samples of a split in order, ``size`` at a time (the last batch may be smaller).

        Features are extracted from these batches alone, so a task whose raw data do not fit in memory overrides this
        method, `size` and `data_fingerprint`, and reads its samples here.
        """
        whole = self.split(split)
        for start in range(0, len(whole), size):
            yield whole.part(start, start + size)

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of the raw inputs (of some modalities, or of all), the labels, and which split they are in."""
        digest = hashlib.sha256()
        for name in SPLITS:
            split = self.split(name)
            digest.update(f"split {name}\n".encode())
            for modality in self.modalities if modalities is None else modalities:
                digest.update(f"input {modality!r}\n".encode())
                add_tensor(digest, split.inputs[modality])
            digest.update(b"labels\n")
            add_tensor(digest, split.labels)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Backbone:
    """A trained unimodal network, frozen and in eval mode, with the places where its features are tapped.

    Attributes:
        module: takes the modality's input (B, ...).
        taps: by feature name, the name of a submodule of ``module``.
        score: its own score on the validation split by the task's metric, if it was trained on the spot.
    """

    module: nn.Module
    taps: Mapping[str, str]
    score: float | None = None

    def to(self, device: str | torch.device) -> Backbone:
        """The same backbone on a device."""
        return Backbone(self.module.to(device), self.taps, self.score)
