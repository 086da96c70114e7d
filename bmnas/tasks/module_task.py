"""A task from parts: three data sets, a module for each modality, and the places in them where features are tapped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError, short
from bmnas.fit.seeding import seeded
from bmnas.genotype import Feature
from bmnas.genotype.feature_list import feature_of
from bmnas.taps import Tap, Tapped
from bmnas.taps.copies import copied
from bmnas.taps.modes import eval_mode
from bmnas.tasks import module_checks as checks, module_samples as looking
from bmnas.tasks.bad_sample import SKIPPING, BadSample
from bmnas.tasks.class_names import checked_names
from bmnas.tasks.loading import odd_ones
from bmnas.tasks.metrics import Metric
from bmnas.tasks.module_fingerprint import add_module
from bmnas.tasks.objective import Objective
from bmnas.tasks.running import on, run
from bmnas.tasks.settings_check import refuse_no_mapping
from bmnas.tasks.task import SPLITS, SampleSource, Split, SplitName, Task
from bmnas.tasks.tree import mapped

# One tap, several, or several by the names of their features.
Taps = str | Tap | Sequence[str | Tap] | Mapping[str, str | Tap]


class ModuleTask(Task):
    """Your own data and your own backbones.

    A data set is a `Split` of tensors, or anything with a length whose items are ``(inputs by modality, label)``, such
    as a `torch.utils.data.Dataset`. An input is what the modality's backbone takes, for one sample: a tensor, or a
    dictionary of its keyword arguments, or a tuple of its positional ones.

    Args:
        name: as the cache and the results call the task.
        train: the training split.
        validation: the validation split, which the search and early stopping look at.
        test: the test split.
        backbones: by modality, any module with its weights. It is copied and the copy frozen; to have it trained on
            the spot, subclass and override `train_backbone`.
        taps: by modality, where features are taken; see `bmnas.taps.Tap` for what is no plain name. The features are
            called MODALITY_1, MODALITY_2, ... unless a mapping names them.
        outputs: the number of classes, or of numbers to predict.
        class_names: what the outputs are called, see `Task.class_names`.
        objective: what the labels are; also by name, such as ``"multi-label"``.
        metric: what is optimised and reported, also by name; the objective's usual one if left out.
        augmented: a data set with the training samples in the same order, augmented at random; for ``--views``.
        reshape: by feature or modality, ``"sequence"`` (the first axis after the channels is pooled to the length L of
            the representation, the others to 1), ``"grid"`` (two axes are pooled to √L each, so L is a square), or
            ``"none"`` (the feature has C channels and L positions already). ``"sequence"`` if left out.
        settings: settings of a search that suit the task, as `Task.settings`.
        groups: by split, to which person, session or patient each of its samples belongs: (N,) whole numbers or names,
            see `Task.groups`. Left out where samples are independent.
        version: change it to have the features extracted anew; see `data_fingerprint`.

    Raises:
        BmnasError: an argument does not fit; the sentence names it.
    """

    def __init__(
        self,
        name: str,
        *,
        train: Split | SampleSource,
        validation: Split | SampleSource,
        test: Split | SampleSource,
        backbones: Mapping[str, nn.Module],
        taps: Mapping[str, Taps],
        outputs: int,
        class_names: Sequence[str] = (),
        objective: Objective | str | None = None,
        metric: Metric | str | None = None,
        augmented: Split | SampleSource | None = None,
        reshape: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        groups: Mapping[SplitName, Any] | None = None,
        version: str = "",
    ) -> None:
        checks.name(name)
        self.name, self.outputs, self.version = name, checks.outputs(outputs), version
        self.class_names = checked_names(class_names, self.outputs)
        self.objective = checks.kind_of_labels(objective)
        self._metric = checks.kind_of_metric(metric)
        refuse_no_mapping(settings or {})
        self.settings = dict(settings or {})
        self._data: dict[SplitName, Split | SampleSource] = {"train": train, "validation": validation, "test": test}
        self._augmented = augmented
        checks.splits(name, self._data, augmented)
        self._groups, self._group_names = checks.groups(name, groups, self._data)
        self._backbones = checks.backbones(backbones)
        named = checks.named_taps(taps, backbones)
        self._modality_of = {feature: modality for modality, own in named.items() for feature in own}
        self.taps: Mapping[str, str | Tap] = {feature: tap for own in named.values() for feature, tap in own.items()}
        self._reshape = checks.reshapes(reshape or {}, self._modality_of)
        self._features: tuple[Feature, ...] | None = None
        self.code = checks.code_of(self._backbones.values(), [*self._data.values(), augmented])

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features, with the channels that they have on a training sample; found when first asked for.

        It is the first one that can be used, of those that `check` looks at.

        Raises:
            BmnasError: a backbone has no tap, a tap is no place, no sample can be used, the backbone cannot run on the
                sample, or a feature lacks the axes that its reshape takes.
        """
        if self._features is None:
            for modality in self._backbones:
                if modality not in self._modality_of.values():
                    raise BmnasError(
                        f"the backbone of modality {modality!r} of task {self.name} has no taps; "
                        "`bmnas taps` lists what can be tapped"
                    )
            _, shapes = self._shapes("train", tuple(self._backbones))
            for name, shape in shapes.items():
                checks.reshapable(name, self._reshape[name], shape)
            self._features = tuple(
                feature_of(
                    {"name": name, "modality": modality, "channels": shapes[name][0], "reshape": self._reshape[name]},
                    f"feature {name!r} of task {self.name}",
                )
                for name, modality in self._modality_of.items()
            )
        return self._features

    # A property that can be set does for the attribute of `Task`, but the rule knows none that do.
    @features.setter
    def features(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, features: tuple[Feature, ...]
    ) -> None:
        self._features = features

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities in the order of the backbones; nothing is run to know them."""
        return tuple(self._backbones) if self._features is None else super().modalities

    def split(self, name: SplitName) -> Split | SampleSource:
        """The data set that was given."""
        return self._data[name]

    def groups(self, name: SplitName) -> Tensor | None:
        """The groups that were given; names are numbered in their order."""
        return self._groups.get(name)

    def _group_name(self, group: int) -> str:
        return f"group {short(self._group_names[group])}" if self._group_names else super()._group_name(group)

    def view(self, name: SplitName, view: int) -> Split | SampleSource:
        """View 0 is the split; of the training split, the others are ``augmented``, read with other random numbers."""
        if view and name == "train" and self._augmented is not None:
            return self._augmented
        return super().view(name, view)

    def build_backbone(self, modality: str) -> nn.Module:
        """A copy of the given module, so that the given one is neither frozen nor moved."""
        with checks.refusing_to_copy(modality):
            return copied(self._backbones[modality])

    def check(self) -> None:
        """Beside what every task checks: some samples of each split, and that features have one shape.

        What ``--skip-bad`` can help comes last, so that whoever goes on without those samples knows all else is well.

        Raises:
            BadSample: a sample cannot be read, or its label cannot be one.
            BmnasError: what else is wrong, and where.
        """
        super().check()
        bad: dict[SplitName, list[BadSample]] = {name: self._bad_samples(name) for name in SPLITS}
        first, expected = self._shapes("train", self.modalities)
        for name in SPLITS[1:]:
            index, shapes = self._shapes(name, self.modalities)
            for feature, shape in shapes.items():
                if shape != expected[feature]:
                    raise BmnasError(
                        f"feature {feature!r} of task {self.name} has shape {expected[feature]} for sample {first} of "
                        f"the train split, but {shape} for sample {index} of the {name} split; "
                        "the samples need one size"
                    )
        for name, found in bad.items():
            if found:
                few = 2 * len(found) <= len(looking.spread(len(self._data[name])))
                raise BadSample(f"{found[0]}{SKIPPING if few else ''}") from found[0]

    def sample(self, name: SplitName, index: int) -> Split:
        """One sample as a batch, after a look at its modalities and its label.

        Raises:
            BadSample: it cannot be read, or its label cannot be one.
            BmnasError: it lacks a modality.
        """
        where = f"sample {index} of the {name} split of task {self.name}"
        batch = looking.read(self._data[name], index, where)
        for modality in self.modalities:
            if modality not in batch.inputs:
                raise BmnasError(f"{where} has no input {modality!r}; it has {', '.join(map(repr, batch.inputs))}")
        labels = self.objective.cast(batch.labels)
        wrong = self.objective.problem(labels, self.outputs)
        if wrong:
            raise BadSample(f"the label of {where} {wrong[1]}")
        return Split(batch.inputs, labels)

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of the data as far as it is looked at, of the backbones, and of ``version``.

        Of a data set in memory it is all of the inputs and labels; of another one its length and eight samples spread
        over it, where one that cannot be read counts as "unreadable". Of the backbones it is the weights, the
        attributes that are data, and what they print, and beside it (`code`) the source files of their classes. A
        change that none of this shows needs another ``version``.
        """
        digest = hashlib.sha256(f"version {self.version}\n".encode())
        chosen = tuple(self.modalities if modalities is None else modalities)
        for modality in chosen:
            digest.update(f"backbone {modality!r}\n".encode())
            add_module(digest, self._backbones[modality])
        sources = [*self._data.items(), *([("augmented", self._augmented)] if self._augmented is not None else [])]
        for name, source in sources:
            digest.update(f"split {name}\n".encode())
            looking.add_source(digest, source, chosen, f"the {name} split of task {self.name}")
        return digest.hexdigest()

    def _bad_samples(self, name: SplitName) -> list[BadSample]:
        """What is wrong with those of the samples looked at that cannot be used.

        Raises:
            BmnasError: most are unlike each other.
        """
        found, good = [], []
        for index in looking.spread(len(self._data[name])):
            try:
                sample = self.sample(name, index)
            except BadSample as error:
                found.append(error)
            else:
                inputs = {modality: mapped(lambda tensor: tensor[0], tree) for modality, tree in sample.inputs.items()}
                good.append((index, inputs, sample.labels[0]))
        for bad in odd_ones(self._data[name], good):
            sentence = f"sample {bad.index} of the {name} split of task {self.name}: {bad.why}"
            if bad.common:
                raise BmnasError(sentence)
            found.append(BadSample(sentence))
        return found

    def _first_good(self, name: SplitName) -> tuple[int, Split]:
        """The first of the samples looked at that can be used, and its index."""
        bad = None
        for index in looking.spread(len(self._data[name])):
            try:
                return index, self.sample(name, index)
            except BadSample as error:
                bad = bad or error
        raise BmnasError(f"of the {name} split of task {self.name}, no sample that was looked at can be used: {bad}")

    def _shapes(self, name: SplitName, modalities: Sequence[str]) -> tuple[int, dict[str, tuple[int, ...]]]:
        """By feature of the modalities, its shape without the batch on the first good sample; and that one's index."""
        index, batch = self._first_good(name)
        shapes: dict[str, tuple[int, ...]] = {}
        for modality in modalities:
            module = eval_mode(checks.twin(self._backbones[modality], modality))
            taps = {feature: tap for feature, tap in self.taps.items() if self._modality_of[feature] == modality}
            with seeded(0), torch.no_grad():
                features = run(Tapped(module, taps), on(module, batch.inputs[modality]), modality)
            shapes |= {feature: tuple(value.shape[1:]) for feature, value in features.items()}
        return index, shapes
