"""What a task is: labelled multimodal data in three splits, features of each modality, a loss and a metric.

Features are tapped in a backbone of the modality, or the task gives them ready. A task is written by subclassing
`Task`; the feature store, the search and the training know tasks only through it.
"""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, Self

import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.taps import Tap, Tapped
from bmnas.tasks.bad_sample import BadSample
from bmnas.tasks.fingerprint import add_lengths, add_tensor
from bmnas.tasks.grouping import refuse_wrong, straddling
from bmnas.tasks.metrics import Metric
from bmnas.tasks.names import named
from bmnas.tasks.objective import Objective, SingleLabel
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.preparation import Preparation
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.tree import Tree, leaves, mapped

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of a task in memory, all of a split or one batch of it, as the backbones take them.

    Attributes:
        inputs: by modality, a tensor (N, ...), or a dictionary or tuple of such, which the backbone takes as its
            keyword or positional arguments.
        labels: (N,) class indices, or (N, outputs) where the objective has those.
        lengths: by feature, how many positions each sample has, (N,) whole numbers from 1: of its feature
            (N, C, T, ...) the first so many along T are pooled, what comes after them is padding. A feature that is
            not named here has no padding.
    """

    inputs: Mapping[str, Tree]
    labels: Tensor
    lengths: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, stop: int) -> Split:
        """Samples ``start`` to ``stop`` (excluded); the tensors are views."""
        return self[start:stop]

    def __getitem__(self, index: slice | Tensor) -> Split:
        """The samples of a slice, or of a tensor of indices."""
        inputs = {modality: mapped(lambda tensor: tensor[index], tree) for modality, tree in self.inputs.items()}
        lengths = {name: tensor[index] for name, tensor in self.lengths.items()}
        return Split(inputs, self.labels[index], lengths)


class SampleSource(Protocol):
    """Samples that are read one by one, such as a ``torch.utils.data.Dataset``, because they do not fit in memory.

    A sample is ``(inputs, label)``: inputs by modality as in `Split`, but of one sample, without the first axis. A
    source may have a method ``describe(index)``, which names the files of a sample; messages about it then say them.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Mapping[str, Tree], Any]: ...


class Task(ABC):
    """One fusion problem.

    Attributes:
        name: as the command line and the cache know it.
        features: every tapped feature, modality by modality, from shallow to deep; each with its channels.
        taps: by feature name, where in the backbone it is taken: the name of a submodule, or a `Tap`.
        ready: the modalities that have no backbone, because their features are ready: the input of such a modality is
            its features by name, and they have no taps.
        outputs: how many numbers the network returns for a sample.
        class_names: what the outputs are called, one name for each; empty where they have no names but their numbers.
        objective: the kind of labels: one class (`SingleLabel`), several (`MultiLabel`), numbers (`Regression`).
        metric: what the search optimises on the validation split and reports on the test split; the objective's
            usual one if a task says nothing.
        settings: the settings of a search that suit the task, used where the user names none; among ``channels``,
            ``length``, ``batch_size``, ``epochs``, and ``train_epochs`` for the training of a network.
        options: what the user chose of the data or the backbones, as JSON values; a part of every fingerprint.
        code: modules, functions or classes, besides the task's own class, whose source determines the numbers; where it
            changes, backbones and features are made anew.
        pretrained: by modality, the address of a file of weights from which its backbone begins: `build_backbone` looks
            for it in torch's cache, and ``bmnas backbones --download`` puts it there.
        weights: by modality, a file of the backbone's weights, for those that need not be trained.
        invocation: the options of a command that name this task, for the record; one that is made in Python has none.
        extraction_batch: samples of a forward pass of the backbones while features are extracted. It is fixed, because
            other batch sizes can change the last bits of a feature.
    """

    Options: ClassVar[type[TaskOptions]] = TaskOptions
    """What a user can choose of the task, after its name on the command line: ``--task utd-transfer:half=1``."""

    name: str
    features: tuple[Feature, ...]
    taps: Mapping[str, str | Tap] = MappingProxyType({})
    ready: Collection[str] = ()
    outputs: int
    class_names: Sequence[str] = ()
    objective: Objective = SingleLabel()
    settings: Mapping[str, Any] = MappingProxyType({})
    options: Mapping[str, Any] = MappingProxyType({})
    code: tuple[object, ...] = ()
    pretrained: Mapping[str, str] = MappingProxyType({})
    weights: Mapping[str, Path] = MappingProxyType({})
    invocation: str = ""
    extraction_batch: int = 128
    _metric: Metric | None = None

    @classmethod
    def open(cls, data: Path | None = None, **options: Any) -> Self:
        """The task as a command names it.

        A task with data of its own overrides this method; it reads nothing yet.

        Args:
            data: the folder of its data.
            options: those of `Options` that are not as usual.

        Raises:
            BmnasError: a folder is given but not needed, or the other way round; or an option is none of the task's.
        """
        if data is not None:
            raise BmnasError(f"task {cls.name} brings its own data; leave --data out")
        make: Callable[..., Self] = cls
        # A class of one's own may have its name only when it is made.
        return make(**cls.Options.chosen(getattr(cls, "name", cls.__name__), options).given)

    @classmethod
    def described(cls, **options: Any) -> Self:
        """The task for whoever asks for its features only, not for its data; these need not be there."""
        return cls.open(**options)

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> Self:
        """The task for whoever has its options (see ``options``) but not its data: enough to build its backbones.

        A task whose features or backbones depend on options that are not in `Options` overrides this method.

        Raises:
            BmnasError: they are not those of the task, but of another version of it, say.
        """
        return cls.described(**options) if cls.Options.model_fields else cls.described()

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities in the order of their features."""
        return tuple(dict.fromkeys(feature.modality for feature in self.features))

    @property
    def tapped_modalities(self) -> tuple[str, ...]:
        """The modalities whose features are tapped in a backbone: all that are not `ready`."""
        return tuple(modality for modality in self.modalities if modality not in self.ready)

    @property
    def backbones_saw_training(self) -> bool:
        """Whether a backbone is trained on the training split: its features of those samples look better than of new
        ones, so that choices have to go by other samples."""
        trains = type(self).train_backbone is not Task.train_backbone
        return trains and any(modality not in self.weights for modality in self.tapped_modalities)

    def with_modalities(self, names: Sequence[str]) -> Self:
        """The same task with some of its modalities alone, in the task's own order.

        A name that is not written exactly as a modality is stands for the one that differs in upper and lower case
        alone.

        Raises:
            BmnasError: a name is no modality of the task, or may be one of several, or there is none.
        """
        if not names:
            raise BmnasError(f"no modality is named; task {self.name} has {', '.join(self.modalities)}")
        chosen = {self._modality(name) for name in names}
        task = copy.copy(self)
        task.features = tuple(feature for feature in self.features if feature.modality in chosen)
        return task

    def with_weights(self, files: Mapping[str, Path]) -> Self:
        """The same task with trained weights of some of its backbones, by modality; they are not trained then.

        A file is in safetensors format, or what `torch.save` made of a state dict, read as data alone; with the
        backbone's own names (`nn.Module.state_dict`), or those that `own_names` knows.

        Raises:
            BmnasError: a name is no modality of the task with a backbone, or two files are of one modality.
        """
        weights: dict[str, Path] = {}
        for name, path in files.items():
            modality = self._modality(name)
            if modality in self.ready:
                raise BmnasError(f"the features of modality {modality!r} are ready: it has no backbone to take weights")
            if modality in weights:
                raise BmnasError(f"{weights[modality]} and {path} are both weights of the backbone {modality!r}")
            weights[modality] = path
        task = copy.copy(self)
        task.weights = weights
        return task

    def _modality(self, name: str) -> str:
        return named(name, self.modalities, "modality", f"task {self.name}")

    @property
    def metric(self) -> Metric:
        """The objective's usual metric, unless the task sets another one."""
        return self._metric or self.objective.metric

    @metric.setter
    def metric(self, metric: Metric) -> None:
        self._metric = metric

    @property
    def identity(self) -> dict[str, Any]:
        """What a search on this task depends on beside the features and the settings, as JSON values."""
        return {
            "task": self.name,
            "modalities": list(self.modalities),
            "outputs": self.outputs,
            "objective": repr(self.objective),
            "metric": self.metric.name,
        }

    @abstractmethod
    def split(self, name: SplitName) -> Split | SampleSource:
        """All samples of a split, in a fixed order: tensors in memory, or a source that reads them one by one."""

    def view(self, name: SplitName, view: int) -> Split | SampleSource:
        """The samples of a split, augmented: view 0 is `split`, the others are as many different ones as are asked for.

        Called with torch's generators seeded by the number of the view. Of a source, every sample is read with the
        generators of torch, NumPy and Python seeded by the view and the index.

        Raises:
            BmnasError: the task has no augmentation.
        """
        if view == 0:
            return self.split(name)
        raise BmnasError(f"task {self.name} has no augmented views; leave --views out")

    def groups(self, name: SplitName) -> Tensor | None:
        """To which group each sample of a split belongs, (N,) whole numbers in the order of the split.

        Samples of a group are alike beyond what their labels say, because they are of one person, session or patient.
        A number means the same group in every split. ``None``, where the samples are independent, as a rule. Groups
        change nothing of the features; of the rows in a store, `groups_of` gives them.
        """
        return None

    def check(self) -> None:
        """Look at the data before anything is trained: no split is empty, every label can be one, groups are numbers.

        Samples that are read one by one are looked at when they are read; a task that can do more overrides this
        method.

        Raises:
            BmnasError: what is wrong, and where.
        """
        for name in SPLITS:
            split = self.split(name)
            if len(split) == 0:
                raise BmnasError(f"the {name} split of task {self.name} is empty")
            groups = self.groups(name)
            if groups is not None:
                refuse_wrong(groups, f"groups of the {name} split of task {self.name}", len(split))
            if not isinstance(split, Split):
                continue
            labels = self.objective.cast(split.labels)
            wrong = self.objective.problem(labels, self.outputs)
            if wrong:
                place, what = wrong
                raise BadSample(
                    f"the label of sample {place} of the {name} split of task {self.name} {what}; "
                    "--skip-bad leaves such samples out"
                )
            if name == "train":
                self.fitted(labels)

    def remarks(self) -> Sequence[str]:
        """What a person should know of the data before their features are used, in sentences: none, as a rule.

        It is asked after the features are there; a task that looks at its data in any case overrides it, and adds to
        what is said here: which splits have a group in common.
        """
        groups = [(name, own) for name in SPLITS if (own := self.groups(name)) is not None]
        for name, own in groups:
            refuse_wrong(own, f"groups of the {name} split of task {self.name}")
        return [f"task {self.name}: {sentence}" for sentence in straddling(groups, self._group_name)]

    def _group_name(self, group: int) -> str:
        """How messages name a group."""
        return f"group {group}"

    def build_backbone(self, modality: str) -> nn.Module:
        """A new backbone of the modality, with pretrained weights, or else with the initial ones.

        It is called with torch's generators seeded, maps the modality's input (B, ...) to anything, and runs every
        tapped submodule once in a forward pass. Of a modality that is `ready` it is not called.

        Raises:
            BmnasError: there is no backbone.
        """
        raise BmnasError(
            f"the features of modality {modality!r} of task {self.name} are ready: there is no backbone"
            if modality in self.ready
            else f"{type(self).__name__} needs a method build_backbone, for modality {modality!r} of task {self.name}"
        )

    def own_names(self, modality: str, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Weights that a user brought for a backbone (see `with_weights`), by the names of the task's own module.

        As they are, as a rule; a task overrides it that knows the names that others gave the same network.

        Raises:
            BmnasError: they are of another network.
        """
        return state

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float | None:
        """Train a backbone in place on the training split; called once with torch's generators seeded, then cached.

        Returns: the backbone's own score on the validation split, or ``None`` if it has none. A task whose backbones
            come trained leaves this method as it is.
        """
        return None

    def preparation(self, to: Path | None = None) -> Preparation:
        """How the task's data are brought into a form that is read faster (``bmnas prepare``).

        Args:
            to: the folder of what is made; that of the data if left out.

        Raises:
            BmnasError: nothing of the data has such a form, or they cannot be used.
        """
        raise BmnasError(f"task {self.name} reads its data as they are: there is nothing to prepare")

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of outputs (B, outputs), mean over the batch: the objective's, unless a task says otherwise."""
        return self.objective.loss(outputs, labels)

    def fitted(self, labels: Tensor) -> Self:
        """The task with what its loss takes from the training labels, such as balanced class weights.

        Raises:
            BmnasError: nothing can be learnt from these labels.
        """
        try:
            objective = self.objective.fitted(labels, self.outputs)
        except BmnasError as error:
            raise BmnasError(f"the training split of task {self.name} {error}") from None
        task = copy.copy(self)
        task.objective = objective
        return task

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of the raw inputs (of some modalities, or of all), the labels, and which split they are in.

        A task that reads its samples one by one overrides this method with something cheaper that changes with the
        data: a version, or names, sizes and times of its files.

        Raises:
            BmnasError: it has not been overridden, but samples are read one by one.
        """
        digest = hashlib.sha256()
        for name in SPLITS:
            split = self.split(name)
            if not isinstance(split, Split):
                raise BmnasError(
                    f"task {self.name} reads its samples one by one, so {type(self).__name__} needs its own "
                    "data_fingerprint, which changes with the data: a version, say, or the sizes and times of the files"
                )
            digest.update(f"split {name}\n".encode())
            for modality in self.modalities if modalities is None else modalities:
                for place, tensor in leaves(split.inputs[modality]):
                    digest.update(f"input {modality!r}{place}\n".encode())
                    add_tensor(digest, tensor)
            digest.update(b"labels\n")
            add_tensor(digest, split.labels)
            add_lengths(digest, split.lengths)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Backbone:
    """A trained unimodal network, frozen and in eval mode, with the places where its features are tapped.

    Attributes:
        module: takes the modality's input (B, ...); where that is a dictionary or a tuple, as its arguments.
        taps: by feature name, a place in ``module``.
        score: its own score on the validation split by the task's metric, if it was trained on the spot.
    """

    module: nn.Module
    taps: Mapping[str, str | Tap]
    score: float | None = None

    @cached_property
    def tapped(self) -> Tapped:
        """The module with its taps looked up: called on inputs, it gives the features by name."""
        return Tapped(self.module, self.taps)

    def to(self, device: str | torch.device) -> Backbone:
        """The same backbone on a device."""
        return Backbone(self.module.to(device), self.taps, self.score)
