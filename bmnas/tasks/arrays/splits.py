"""Which samples belong to which split: indices for each split, or the name of its split for each sample."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean
from bmnas.tasks.arrays.stored import Array
from bmnas.tasks.task import SPLITS, SplitName

Splits = dict[SplitName, Array]


def parse(given: Any, samples: int, where: str = "splits") -> Splits:
    """The indices of the samples of each split, in the order given.

    Args:
        given: by split, indices or truth values for all samples; or for every sample the name of its split, or 0, 1, 2
            for train, validation, test.
        samples: how many there are.
        where: how messages name it.
    Raises:
        BmnasError: a split is not known, missing or empty, an index is out of range or twice there, or splits overlap.
    """
    splits = _of_mapping(given, samples, where) if isinstance(given, Mapping) else _of_names(given, samples, where)
    for name in SPLITS:
        if name not in splits:
            raise BmnasError(f"{where}: has no split {name!r}; train, validation and test are needed")
        if len(splits[name]) == 0:
            raise BmnasError(f"{where}: split {name!r} is empty")
    for one, other in combinations(SPLITS, 2):
        common = np.intersect1d(splits[one], splits[other])
        if len(common):
            more = f" and {len(common) - 1} more" if len(common) > 1 else ""
            raise BmnasError(f"{where}: splits {one!r} and {other!r} overlap: both have sample {common[0]}{more}")
    return {name: splits[name] for name in SPLITS}


def refuse_unknown(name: str, where: str) -> None:
    """Refuse the name of a split that is none.

    Raises:
        BmnasError: it is none; the message names the nearest.
    """
    if name not in SPLITS:
        # As "val" and "dev" are for "validation".
        raise BmnasError(f"{where}: {name[:60]!r} is no split{did_you_mean(name, SPLITS, cutoff=0.4)}")


def _of_mapping(given: Mapping[Any, Any], samples: int, where: str) -> Splits:
    for name in given:
        refuse_unknown(str(name), where)
    return {name: _indices(given[name], samples, f"{where}: split {name!r}") for name in SPLITS if name in given}


def _indices(given: Any, samples: int, where: str) -> Array:
    array = _array(given)
    if array.shape == (0,):
        return np.empty(0, dtype=np.int64)
    if array.dtype.kind == "b" and array.shape == (samples,):
        return np.flatnonzero(array)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise BmnasError(f"{where}: should be a list of indices, whole numbers from 0 to {samples - 1}")
    outside = (array < 0) | (array >= samples)
    if outside.any():
        raise BmnasError(f"{where}: has index {array[outside][0]}, but there are {samples} samples, 0 to {samples - 1}")
    indices = array.astype(np.int64)
    values, counts = np.unique(indices, return_counts=True)
    if (counts > 1).any():
        raise BmnasError(f"{where}: has sample {values[counts > 1][0]} more than once")
    return indices


def _of_names(given: Any, samples: int, where: str) -> Splits:
    array = _array(given)
    if array.shape != (samples,):
        raise BmnasError(f"{where}: has shape {array.shape}, but there are {samples} samples, each in one split")
    if array.dtype.kind in "iu":
        outside = (array < 0) | (array > 2)
        if outside.any():
            raise BmnasError(f"{where}: has {array[outside][0]}, but 0 is train, 1 validation and 2 test")
        return {name: np.flatnonzero(array == number) for number, name in enumerate(SPLITS)}
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind not in "UO":
        raise BmnasError(f"{where}: holds {array.dtype}, but should hold the names of splits: {', '.join(SPLITS)}")
    for name in dict.fromkeys(array.tolist()):
        refuse_unknown(str(name), where)
    return {name: np.flatnonzero(array == name) for name in SPLITS}


def _array(given: Any) -> Array:
    try:
        return given.cpu().numpy() if isinstance(given, Tensor) else np.asarray(given)
    except (ValueError, TypeError):
        return np.empty((), dtype=object)  # such as a list of lists of other lengths
