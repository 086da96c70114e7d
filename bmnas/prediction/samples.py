"""New samples from a folder of arrays: features, or raw inputs of backbones, without labels.

::

    DIR/Video_1.npy  DIR/Video_1.lengths.npy  DIR/more.npz      features (N, C, ...), as in a folder to search on
    DIR/Video.npy                                               or the input (N, ...) of the backbone of a modality
    DIR/Text.input_ids.npy  DIR/Text.attention_mask.npy         or several, where a backbone takes them by name
    DIR/ids.json  or  DIR/ids.npy                               if samples have names

Labels, splits and groups may lie there too; they are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean, printable, short
from bmnas.tasks.arrays.layouts import arrays_of, text_beside
from bmnas.tasks.arrays.lengths import Lengths, given, lengths
from bmnas.tasks.arrays.rows import Rows
from bmnas.tasks.arrays.source import ArraySource
from bmnas.tasks.arrays.stored import Stored
from bmnas.tasks.portable import TaskRecord
from bmnas.tasks.portable.record import InputRecord
from bmnas.tasks.task import SPLITS, Split

_NOT_LOOKED_AT = ("labels", "splits", "groups")


@dataclass(frozen=True)
class NewSamples:
    """Samples without labels.

    Attributes:
        source: their inputs by modality.
        ids: what they are called; empty where they have no names but their numbers.
        remarks: what a person should know of them, in sentences.
    """

    source: Inputs
    ids: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Samples of a folder, a run of them at once.

    Attributes:
        ready: features, where the folder has some.
        raw: by modality with a backbone, its input.
        size: how many samples there are.
    """

    ready: ArraySource | None
    raw: Mapping[str, Raw]
    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int, /) -> tuple[dict[str, Any], Any]:
        """One sample."""
        part = self.part(index, index + 1)[0:1]
        return dict(part.inputs), part.labels[0]

    def part(self, start: int, stop: int) -> Split:
        """Samples ``start`` to ``stop`` (excluded)."""
        taken = self.ready.part(start, stop) if self.ready is not None else None
        inputs = dict(taken.inputs) if taken is not None else {}
        inputs |= {modality: raw.part(start, stop) for modality, raw in self.raw.items()}
        return Split(inputs, torch.zeros(stop - start, dtype=torch.int64), taken.lengths if taken is not None else {})

    def describe(self, index: int) -> str:
        """Where a sample lies."""
        if self.ready is not None:
            return self.ready.describe(index)
        return next(iter(self.raw.values())).first.place(index)


@dataclass(frozen=True, eq=False)
class Raw:
    """The input of one backbone: an array, or several by keyword.

    Attributes:
        arrays: by keyword, with the type that the backbone takes; of one array alone the keyword is empty.
    """

    arrays: Mapping[str, tuple[Stored, torch.dtype]]

    @property
    def first(self) -> Stored:
        """One of the arrays."""
        return next(iter(self.arrays.values()))[0]

    def part(self, start: int, stop: int) -> Any:
        """The input of some samples."""
        found = {name: _tensor(stored, dtype, start, stop) for name, (stored, dtype) in self.arrays.items()}
        return found.get("", found)


def open_samples(folder: Path | str, record: TaskRecord, used: Sequence[str]) -> NewSamples:
    """The samples in a folder, as the modalities of a task have them.

    Args:
        folder: see above.
        record: of the task that the network was trained on.
        used: the features that the network reads; others need not be there.

    Raises:
        BmnasError: an array is missing, of another shape, or has a value that is not a finite number, with the sample.
    """
    folder = Path(folder)
    try:
        return _opened(folder, record, used)
    except BmnasError as error:
        raise BmnasError(printable(str(error))) from None


def _opened(folder: Path, record: TaskRecord, used: Sequence[str]) -> NewSamples:
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there"
        raise BmnasError(f"{folder}: {what}; new samples are a folder with an array for {_wanted(record, used)}")
    inner = [name for name in SPLITS if (folder / name).is_dir()]
    arrays = arrays_of(folder)
    if not arrays and inner:
        raise BmnasError(f"{folder}: has folders of splits; name one of them, such as {folder / inner[-1]}")
    ids = _ids(folder, arrays)
    for name in _NOT_LOOKED_AT:
        arrays.pop(name, None)
    raw, ready = {}, []
    for modality in dict.fromkeys(feature.modality for feature in record.features if feature.name in used):
        found = _raw(modality, record.inputs[modality], arrays) if modality in record.backbones else None
        if found is not None:
            raw[modality] = found
        else:
            ready += [each.name for each in record.features if each.name in used and each.modality == modality]
    missing = [name for name in ready if name not in arrays]
    if missing:
        near = did_you_mean(missing[0], arrays)
        raise BmnasError(f"{folder}: has no array {missing[0]!r}{near}; the network needs {_wanted(record, used)}")
    features, said = _features(folder, record, ready, arrays)
    size = _size(
        [*(rows.parts[0] for rows in features.values()), *(each for one in raw.values() for each in _all(one))]
    )
    source = _source(record, features, said, size) if features else None
    if ids and len(ids) != size:
        raise BmnasError(f"{folder}: has {size} samples, but {len(ids)} ids")
    remarks = [
        f"{features[name].where}: {each.guessed} of {size} samples end in zeros in every channel, which are taken as "
        "padding and not pooled; lengths say it exactly"
        for name, each in said.items()
        if each.guessed
    ]
    return NewSamples(Inputs(source, raw, size), ids, tuple(remarks))


def _features(
    folder: Path, record: TaskRecord, names: Sequence[str], arrays: Mapping[str, Stored]
) -> tuple[dict[str, Rows], dict[str, Lengths]]:
    """The features, checked, and how long their samples are."""
    rows, said = {}, {}
    for name in names:
        feature = next(each for each in record.features if each.name == name)
        own = rows[name] = Rows([arrays[name]])
        if feature.channels is not None and own.shape[1] != feature.channels:
            raise BmnasError(
                f"{own.where}: its samples have shape {own.shape[1:]}, but the network was trained on "
                f"{feature.channels} channels"
            )
        scan, every = own.scan(), np.arange(own.shape[0])
        if len(scan.bad):
            raise BmnasError(f"{own.place(int(scan.bad[0]))} {own.problem(int(scan.bad[0]))}")
        told = arrays.get(f"{name}.lengths")
        known = None if told is None else given(told, own, every)
        said[name] = lengths(scan, own, known, every, sequence=feature.reshape == "sequence")
    return rows, said


def _source(record: TaskRecord, rows: Mapping[str, Rows], said: Mapping[str, Lengths], size: int) -> ArraySource:
    modalities: dict[str, dict[str, Rows]] = {}
    for feature in record.features:
        if feature.name in rows:
            modalities.setdefault(feature.modality, {})[feature.name] = rows[feature.name]
    return ArraySource(modalities, np.arange(size), torch.zeros(size, dtype=torch.int64), said.__getitem__)


def _raw(modality: str, expected: InputRecord, arrays: Mapping[str, Stored]) -> Raw | None:
    """The input of a backbone; ``None`` where the folder has none of it."""
    if expected.tensor is not None:
        if modality not in arrays:
            return None
        return Raw({"": _checked(arrays[modality], expected, modality)})
    found = {}
    for name, inner in expected.keywords.items():
        array = f"{modality}.{name}"
        if array not in arrays or inner.tensor is None:
            return None
        found[name] = _checked(arrays[array], inner, array)
    return Raw(found) if found else None


def _checked(stored: Stored, expected: InputRecord, name: str) -> tuple[Stored, torch.dtype]:
    assert expected.tensor is not None
    shape = expected.tensor.shape
    if len(stored.shape) != len(shape) + 1:
        raise BmnasError(
            f"{stored.where}: has shape {stored.shape}, but the input {name!r} is (samples, "
            f"{', '.join(map(str, shape))})"
        )
    dtype: torch.dtype = getattr(torch, expected.tensor.dtype)
    return stored, dtype


def _tensor(stored: Stored, dtype: torch.dtype, start: int, stop: int) -> Tensor:
    array = stored.open()[start:stop]
    # A copy in the machine's byte order: torch takes no other, and none that cannot be written.
    array = array.astype(array.dtype.newbyteorder("="), order="C")
    tensor = torch.from_numpy(array).view(torch.bfloat16) if stored.bfloat16 else torch.from_numpy(array)
    if tensor.is_floating_point():
        finite = tensor.flatten(1).isfinite().all(1)
        if not bool(finite.all()):
            sample = start + int((~finite).nonzero()[0])
            raise BmnasError(f"{stored.place(sample)} has a value that is not a finite number")
    return tensor.to(dtype)


def _ids(folder: Path, arrays: dict[str, Stored]) -> tuple[str, ...]:
    """Take the names of the samples out of the arrays, or read them from ``ids.json``."""
    stored, listed = arrays.pop("ids", None), text_beside(folder, "ids")
    if listed is not None:
        return tuple(map(str, listed))
    if stored is None:
        return ()
    if len(stored.shape) != 1:
        raise BmnasError(f"{stored.where}: has shape {stored.shape}, but ids are one for each sample")
    return tuple(map(str, stored.values().tolist()))


def _size(arrays: Sequence[Stored]) -> int:
    sizes = {each.where: each.shape[0] for each in arrays}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{where} {size}" for where, size in list(sizes.items())[:6])
        raise BmnasError(f"the arrays have different numbers of samples: {told}")
    return next(iter(sizes.values()))


def _all(raw: Raw) -> list[Stored]:
    return [stored for stored, _ in raw.arrays.values()]


def _wanted(record: TaskRecord, used: Sequence[str]) -> str:
    """What a folder needs, in words."""
    found = []
    for modality in dict.fromkeys(feature.modality for feature in record.features if feature.name in used):
        names = [feature.name for feature in record.features if feature.name in used and feature.modality == modality]
        if modality in record.backbones:
            found.append(f"{short(modality)} (or its features {', '.join(names)})")
        else:
            found += names
    return ", ".join(found)
