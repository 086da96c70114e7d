"""The two layouts of a folder of arrays: all samples together with splits, or a folder for each split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.files import read_json, reason
from bmnas.tasks import grouping
from bmnas.tasks.arrays import labels as labelling, splits as splitting
from bmnas.tasks.arrays.features import check_counts
from bmnas.tasks.arrays.lengths import SUFFIX, is_lengths
from bmnas.tasks.arrays.reading import READERS, read
from bmnas.tasks.arrays.rows import Rows
from bmnas.tasks.arrays.stored import Stored, in_memory
from bmnas.tasks.names import composed, folded
from bmnas.tasks.task import SPLITS, SplitName

_LABELS, _SPLITS, _GROUPS = "labels", "splits", "groups"
_JSON_LIMIT = 2**28
_LAYOUT = (
    "it should hold one array (samples, channels, ...) for each feature, as NAME.npy or in .npz or .safetensors files, "
    "labels.npy, and splits.npy or splits.json, or all of this but splits in the folders train, validation and test"
)


@dataclass(frozen=True)
class Found:
    """What lies in a folder: features by name, lengths of some, labels and groups of all samples, splits' indices."""

    features: dict[str, Rows]
    lengths: dict[str, Stored]
    labels: Stored
    splits: Any
    groups: Stored | None


def find(path: Path) -> Found:
    """The arrays in a folder.

    Raises:
        BmnasError: it is none, or does not hold what it should; the message names the file.
    """
    if not path.is_dir():
        raise BmnasError(f"{path}: is {'no folder' if path.exists() else 'not there'}; {_LAYOUT}")
    return _divided(path) if any((path / name).is_dir() for name in SPLITS) else _whole(path)


def arrays_of(folder: Path) -> dict[str, Stored]:
    """All arrays of all files of a folder, by name.

    Raises:
        BmnasError: two have one name, or a file cannot be read.
    """
    found: dict[str, Stored] = {}
    for file in _files(folder):
        for name, array in read(file).items():
            name = composed(name)  # some file systems take the accents of names apart
            if name in found:
                raise BmnasError(f"{array.where}: {found[name].where} has an array {short(name)} already")
            found[name] = array
    return found


def text_beside(folder: Path, name: str) -> list[Any] | None:
    """The list in ``NAME.json`` of a folder; ``None`` where there is no such file.

    Raises:
        BmnasError: it is no list of texts and whole numbers.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    found = read_json(path, _JSON_LIMIT)
    if not isinstance(found, list) or not all(isinstance(item, str | int) for item in found):
        raise BmnasError(f"{path}: should be a list with a text or a whole number for each sample")
    return found


def _whole(path: Path) -> Found:
    """Arrays of all samples, and splits."""
    arrays = arrays_of(path)
    if not arrays:
        _refuse_unknown(path)
        raise BmnasError(f"{path}: has no arrays; {_LAYOUT}")
    labels, splits = _taken(arrays, _LABELS, path), arrays.pop(_SPLITS, None)
    groups = _groups(arrays, path)
    lengths = _lengths(arrays)
    rows = {name: Rows([array]) for name, array in arrays.items()}
    if not rows:
        raise BmnasError(f"{path}: has labels but no features; {_LAYOUT}")
    text = path / "splits.json"
    if text.exists():
        if splits is not None:
            raise BmnasError(f"{text}: gives splits, but so does {splits.where}; leave one out")
        given, where = read_json(text, _JSON_LIMIT), str(text)
    elif splits is not None:
        given, where = splits.values(), splits.where
    else:
        raise BmnasError(
            f"{path}: has no splits: splits.json with lists of indices for train, validation and test, or splits.npy "
            "with the name of its split for each sample"
        )
    samples = labelling.check_shape(labels)
    # Before the indices are compared with a number of samples that may be wrong.
    check_counts(rows, samples, labels.where)
    return Found(rows, lengths, labels, splitting.parse(given, samples, where), groups)


def _divided(path: Path) -> Found:
    """A folder for each split, each with all arrays."""
    texts = (path / f"{name}.json" for name in (_SPLITS, _GROUPS))
    stray = next(iter([*_files(path), *(text for text in texts if text.exists())]), None)
    if stray is not None:
        raise BmnasError(
            f"{stray}: lies beside folders of splits; arrays belong into these folders, or all into one with splits"
        )
    parts = {}
    for name in SPLITS:
        if not (path / name).is_dir():
            _refuse_unknown(path)
            raise BmnasError(f"{path}: has no folder {name!r}; train, validation and test are needed")
        parts[name] = arrays_of(path / name)
        if not parts[name]:
            raise BmnasError(f"{path / name}: has no arrays; it should hold all features, and labels")
        if _SPLITS in parts[name]:
            raise BmnasError(f"{parts[name][_SPLITS].where}: gives splits, but the folders do already")
    labels = {name: _taken(arrays, _LABELS, path / name) for name, arrays in parts.items()}
    groups = {name: found for name, arrays in parts.items() if (found := _groups(arrays, path / name)) is not None}
    lengths = {name: _lengths(arrays) for name, arrays in parts.items()}
    for one, other in permutations(SPLITS, 2):
        for what, there in (("feature", parts), ("lengths of the feature", lengths)):
            for feature in there[one]:
                if feature not in there[other]:
                    raise BmnasError(f"{path / other}: has no {what} {short(feature)}, which {path / one} has")
        if one in groups and other not in groups:
            raise BmnasError(f"{path / other}: has no groups, which {path / one} has")
    if not parts["train"]:
        raise BmnasError(f"{path}: has labels but no features; {_LAYOUT}")
    for name, arrays in parts.items():
        alone = {feature: Rows([array]) for feature, array in arrays.items()}
        check_counts(alone, labelling.check_shape(labels[name]), labels[name].where)
    rows = {feature: Rows([parts[name][feature] for name in SPLITS]) for feature in parts["train"]}
    ends = np.cumsum([0, *(labels[name].shape[0] for name in SPLITS)])
    indices = {name: np.arange(ends[n], ends[n + 1]) for n, name in enumerate(SPLITS)}
    joined = {
        feature: _joined(f"{path}: lengths of {short(feature)}", [lengths[name][feature] for name in SPLITS])
        for feature in lengths["train"]
    }
    return Found(
        rows,
        joined,
        _joined(f"{path}: labels", [labels[name] for name in SPLITS]),
        indices,
        _joined_groups(path, groups, labels),
    )


def _joined(where: str, labels: list[Stored]) -> Stored:
    for part in labels[1:]:
        if part.shape[1:] != labels[0].shape[1:]:
            raise BmnasError(
                f"{part.where}: has shape {part.shape}, which does not fit {labels[0].where}, {labels[0].shape}"
            )
    joined = in_memory(where, np.concatenate([part.values() for part in labels]))
    return replace(joined, parts=tuple((part.where, part.shape[0]) for part in labels))


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(
            file for file in folder.iterdir() if file.suffix.lower() in READERS and not file.name.startswith(".")
        )
    except OSError as error:
        raise BmnasError(f"{folder}: cannot be read: {reason(error)}") from error


def _refuse_unknown(path: Path) -> None:
    """A folder of arrays that is not named after a split."""
    for folder in sorted(inner for inner in path.iterdir() if inner.is_dir()):
        if folder.name not in SPLITS and _files(folder):
            splitting.refuse_unknown(folder.name, str(folder))


def _lengths(arrays: dict[str, Stored]) -> dict[str, Stored]:
    """Take the lengths of features out of the arrays; by feature."""
    found = {}
    for name in [name for name, array in arrays.items() if is_lengths(name, array.shape)]:
        feature = name.removesuffix(SUFFIX)
        if feature not in arrays:
            near = did_you_mean(feature, arrays)
            raise BmnasError(f"{arrays[name].where}: gives lengths of a feature that is not there{near}")
        found[feature] = arrays.pop(name)
    return found


def _groups(arrays: dict[str, Stored], folder: Path) -> Stored | None:
    """Take the groups of the samples out of the arrays, or read them from ``groups.json``, a list."""
    stored, text = arrays.pop(_GROUPS, None), folder / "groups.json"
    if not text.exists():
        return stored
    if stored is not None:
        raise BmnasError(f"{text}: gives groups, but so does {stored.where}; leave one out")
    given = read_json(text, _JSON_LIMIT)
    if not isinstance(given, list):
        raise BmnasError(f"{text}: should be a list with the group of each sample, a whole number or a name")
    return in_memory(str(text), grouping.parse(given, len(given), str(text), lambda index: f"{text}: sample {index}"))


def _joined_groups(path: Path, groups: Mapping[SplitName, Stored], labels: Mapping[SplitName, Stored]) -> Stored | None:
    if not groups:
        return None
    where = f"{path}: groups"
    parsed = [
        grouping.parse(stored.values(), labels[name].shape[0], stored.where, stored.place)
        for name, stored in groups.items()
    ]
    grouping.numbered(parsed, where)
    return in_memory(where, np.concatenate(parsed))


def _taken(arrays: dict[str, Stored], name: str, folder: Path) -> Stored:
    if name not in arrays:
        near = did_you_mean(name, arrays) if name in map(folded, arrays) else ""
        raise BmnasError(f"{folder}: has no {name}: {name}.npy, or an array {name!r} in another file{near}")
    return arrays.pop(name)
