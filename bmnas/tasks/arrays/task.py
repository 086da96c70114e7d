"""`ArrayTask`: features that were computed elsewhere, as arrays, instead of raw data and backbones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError, short
from bmnas.tasks import grouping
from bmnas.tasks.arrays import (
    labels as labelling,
    lengths as lengthening,
    rows as reading,
    source as sourcing,
    splits as splitting,
    stored as storing,
    vectors,
)
from bmnas.tasks.arrays.features import check_counts, listed, sizes, written
from bmnas.tasks.arrays.lengths import Lengths
from bmnas.tasks.arrays.rows import Rows, Scan
from bmnas.tasks.arrays.source import ArraySource
from bmnas.tasks.arrays.stored import Array, Stored, in_memory
from bmnas.tasks.class_names import checked_names
from bmnas.tasks.fingerprint import add_lengths, add_tensor
from bmnas.tasks.metrics import Metric
from bmnas.tasks.objective import Objective
from bmnas.tasks.settings_check import refuse_no_mapping
from bmnas.tasks.task import SPLITS, SplitName, Task

# What suits a few thousand samples on a CPU. With more, the defaults of a search are used: those of the paper.
_SMALL = MappingProxyType({"channels": 32, "length": 8, "batch_size": 32, "epochs": 20, "train_epochs": 50})
_SMALL_SAMPLES = 5000


class ArrayTask(Task):
    """A fusion problem given as arrays, one for each feature; all its modalities are `ready`.

    Args:
        features: by name, (N, C) or (N, C, ...), N samples and C channels: NumPy arrays, memory-mapped ones, or
            tensors. They become 32-bit floats when they are read.
        labels: whole numbers (N,) for one class of each sample, 0 and 1 (N, K) for several classes, floats (N,) or
            (N, K) for a regression.
        splits: by split (``train``, ``validation``, ``test``), the indices of its samples; or for each sample the name
            of its split. Samples without an index are not used.
        name: of the task.
        modalities: by feature, its modality; where it is not given, the feature's name without its number
            (``Video_3`` belongs to ``Video``).
        reshape: by feature, ``sequence`` (the first axis after the channels is pooled to the length of the
            representation, further ones away), ``grid`` (the two axes after the channels are pooled to a square) or
            ``none`` ((N, C, L) is the representation's shape already); ``sequence`` where it is not given.
        lengths: by feature, (N,) whole numbers: how many positions of (N, C, L, ...) a sample has along L, where others
            are padding, which is not pooled. Of a feature that is not named here (and pooled as a ``sequence``), the
            positions at the end of a sample that are exactly zero in every channel are taken as padding; `remarks` says
            so.
        groups: (N,) whole numbers or names, to which person, session or patient a sample belongs, see `Task.groups`;
            left out where samples are independent.
        outputs: how many numbers a network returns for a sample; the greatest label + 1, or the labels' columns.
        class_names: what the outputs are called, see `Task.class_names`.
        objective: an objective or its name, where the labels should not decide.
        metric: a metric or its name in `METRICS`; the objective's usual one.
        settings: settings of a search that suit the task, by name, see `Task.settings`.
        options: of the objective where it is named or guessed, such as ``{"class_weights": "balanced"}``.
    Raises:
        BmnasError: an array or a label cannot be used, there are not as many of them, or a setting is unknown; values
            that are not finite are told by `check`.

    Example:
        >>> import numpy as np
        >>> task = ArrayTask(
        ...     {"Image_1": np.zeros((6, 8, 3, 3)), "Text_1": np.zeros((6, 5))},
        ...     labels=[0, 1, 0, 1, 0, 1],
        ...     splits={"train": [0, 1], "validation": [2, 3], "test": [4, 5]},
        ... )
        >>> task.modalities, task.objective.name, task.outputs
        (('Image', 'Text'), 'single-label', 2)
    """

    code = (labelling, lengthening, reading, sourcing, splitting, storing)

    def __init__(
        self,
        features: Mapping[str, Any],
        labels: Any,
        splits: Any,
        *,
        name: str = "arrays",
        modalities: Mapping[str, str] | None = None,
        reshape: Mapping[str, str] | None = None,
        lengths: Mapping[str, Any] | None = None,
        groups: Any = None,
        outputs: int | None = None,
        class_names: Sequence[str] = (),
        objective: Objective | str | None = None,
        metric: Metric | str | None = None,
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if not name.isprintable() or not name.strip() or set(name) & set("/\\"):
            raise BmnasError(f"{short(name)} cannot be the name of a task: folders are named after it")
        if not features:
            raise BmnasError(f"task {name} has no features")
        refuse_no_mapping(settings or {})
        self.name = name
        stored = labels if isinstance(labels, Stored) else in_memory("labels", labels)
        self._rows = {feature: _rows(feature, given) for feature, given in features.items()}
        self._labels = labelling.to_tensor(stored)
        check_counts(self._rows, len(self._labels), stored.where)
        self._splits = splitting.parse(splits, len(self._labels))
        self.features = listed(self._rows, modalities or {}, reshape or {})
        self.ready = frozenset(self.modalities)
        self._used = np.concatenate(list(self._splits.values()))
        self._told = self._given_lengths(lengths or {})
        self._groups, self._group_names = _grouped(groups, len(self._labels))
        used = self._labels[torch.from_numpy(self._used)]
        self.objective = labelling.given_or_guessed(objective, options or {}, used, stored.where)
        chosen = labelling.metric_for(metric, self.objective)
        if chosen is not None:
            self.metric = chosen
        self._labels = self.objective.cast(self._labels)
        self.outputs = (
            labelling.count(used, self.objective, stored.where) if outputs is None else labelling.given_count(outputs)
        )
        if class_names and outputs is None:  # a class that no sample has is one, too
            self.outputs = max(self.outputs, len(class_names))
        self.class_names = checked_names(class_names, self.outputs)
        labelling.refuse_wrong(self._labels, self.objective, self.outputs, self._splits, stored)
        self.fitted(self._labels[torch.from_numpy(self._splits["train"])])
        self.settings = MappingProxyType({**self._suggested(), **sizes(self.features, self._rows), **(settings or {})})
        self._scans: dict[str, Scan] = {}
        self._lengths: dict[str, Lengths] = {}

    def _suggested(self) -> dict[str, Any]:
        train, validation = (len(self._splits[name]) for name in SPLITS[:2])
        if all(len(self._rows[feature.name].shape) == 2 for feature in self.features):
            return vectors.settings(train, validation, self.outputs)
        if train >= _SMALL_SAMPLES:
            return {}
        # A search refuses a batch that is larger than a split it goes through.
        return {**_SMALL, "batch_size": min(_SMALL["batch_size"], max(2, min(train, validation)))}

    def split(self, name: SplitName) -> ArraySource:
        """The samples of a split in the order of its indices; by modality, a dictionary of the features' arrays."""
        modalities: dict[str, dict[str, Rows]] = {modality: {} for modality in self.modalities}
        for feature in self.features:
            modalities[feature.modality][feature.name] = self._rows[feature.name]
        return ArraySource(modalities, self._splits[name], self._labels, self._lengths_of)

    def groups(self, name: SplitName) -> Tensor | None:
        """The groups that were given, in the order of the split's indices; names are numbered in their order."""
        return None if self._groups is None else self._groups[torch.from_numpy(self._splits[name])]

    def remarks(self) -> list[str]:
        """Which splits have a group in common, which features have padding that was told by its zeros alone, and which
        have samples of zeros alone.
        """
        return [*super().remarks(), *self._remarks_on_features()]

    def _group_name(self, group: int) -> str:
        return f"group {short(self._group_names[group])}" if self._group_names else super()._group_name(group)

    def _remarks_on_features(self) -> list[str]:
        return [
            sentence
            for feature in self.features
            for sentence in lengthening.remarks(
                self._rows[feature.name], self._lengths_of(feature.name), len(self._used)
            )
        ]

    def check(self) -> None:
        """Read every feature once.

        Raises:
            BmnasError: a sample that is used has a value that is not a finite number; the message names both.
        """
        for feature in self.features:
            rows, bad = self._rows[feature.name], self._scan(feature.name).bad
            bad = bad[np.isin(bad, self._used)]
            if len(bad):
                raise BmnasError(f"{rows.place(int(bad[0]))} {rows.problem(int(bad[0]))}")

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """SHA-256 of types, shapes and checksums of the arrays, lengths, the labels, and which split they are in.

        The checksum of what lies in files is a CRC-32, several times as fast.
        """
        wanted = self.modalities if modalities is None else tuple(modalities)
        digest = hashlib.sha256()
        for feature in self.features:
            if feature.modality in wanted:
                digest.update(f"feature {feature.name!r} {self._scan(feature.name).digest}\n".encode())
                if feature.name in self._told:
                    add_lengths(digest, {feature.name: torch.from_numpy(self._told[feature.name])})
        for name in SPLITS:
            digest.update(f"split {name}\n".encode())
            add_tensor(digest, torch.from_numpy(self._splits[name]))
        add_tensor(digest, self._labels)
        return digest.hexdigest()

    def _scan(self, feature: str) -> Scan:
        if feature not in self._scans:
            self._scans[feature] = self._rows[feature].scan()
        return self._scans[feature]

    def _lengths_of(self, feature: str) -> Lengths:
        if feature not in self._lengths:
            sequence = next(one.reshape for one in self.features if one.name == feature) == "sequence"
            told = self._told.get(feature)
            self._lengths[feature] = lengthening.lengths(
                self._scan(feature), self._rows[feature], told, self._used, sequence=sequence
            )
        return self._lengths[feature]

    def _given_lengths(self, lengths: Mapping[str, Any]) -> dict[str, Array]:
        told = {}
        for feature, values in written(lengths, self._rows, "lengths names").items():
            reshape = next(one.reshape for one in self.features if one.name == feature)
            stored = values if isinstance(values, Stored) else in_memory(f"lengths of feature {feature!r}", values)
            if reshape != "sequence":
                raise BmnasError(f"{stored.where}: gives lengths, but the feature has reshape {reshape!r}")
            told[feature] = lengthening.given(stored, self._rows[feature], self._used)
        return told


def _grouped(given: Any, samples: int) -> tuple[Tensor | None, Sequence[str]]:
    """The groups as numbers (N,), and their names where they have some."""
    if given is None:
        return None, ()
    stored = given if isinstance(given, Stored) else None
    where = "groups" if stored is None else stored.where
    place = stored.place if stored is not None else "groups: sample {}".format
    parsed = grouping.parse(given if stored is None else stored.values(), samples, where, place)
    (numbers,), names = grouping.numbered([parsed], where)
    return numbers, names


def _rows(feature: str, given: Any) -> Rows:
    return given if isinstance(given, Rows) else Rows([in_memory(f"feature {feature!r}", given)])
