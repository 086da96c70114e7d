"""Groups of samples that belong together, such as those of one person, session or patient.

Scores on samples of a group that was trained on say little of groups that were not, so a group should be in one split.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError, short

Array = np.ndarray[Any, Any]
_LEAST, _MOST = -(2**63), 2**63 - 1


def parse(given: Any, samples: int, where: str, place: Callable[[int], str]) -> Array:
    """Groups (N,), one for each sample, as 64-bit integers or as text.

    Args:
        given: whole numbers, or names: an array, a tensor or a list; (N, 1) is as good.
        samples: how many there are.
        where: how messages name the groups.
        place: how they name those of a sample.

    Raises:
        BmnasError: there are not as many groups as samples, or one is missing, or neither a whole number nor text.
    """
    array = _array(given)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (samples,):
        raise BmnasError(f"{where}: has shape {array.shape}, but there are {samples} samples, each of one group")
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "backslashreplace")  # which lets different names stay different
    if array.dtype.kind in "bi":
        return array.astype(np.int64)
    values = [_value(value, index, place) for index, value in enumerate(array.tolist())]
    kinds = {type(value) for value in values}
    if len(kinds) > 1:
        raise BmnasError(f"{where}: has both whole numbers and text; groups are one or the other")
    return np.array(values, dtype=np.int64 if kinds == {int} else np.str_)


def numbered(groups: Sequence[Array], where: str) -> tuple[list[Tensor], Sequence[str]]:
    """What `parse` returned of several splits as numbers (N,) that mean the same in all, and the numbers' names.

    Whole numbers stay what they are, and have no other name.

    Args:
        groups: of each split.
        where: how messages name them.

    Raises:
        BmnasError: some have numbers and others text.
    """
    kinds = {array.dtype.kind for array in groups}
    if kinds == {"i"}:
        return [torch.from_numpy(array) for array in groups], ()
    if "i" in kinds:
        raise BmnasError(f"{where}: those of one split are whole numbers, but those of another are text")
    names, numbers = np.unique(np.concatenate(groups), return_inverse=True)
    ends = np.cumsum([len(array) for array in groups])[:-1]
    return [torch.from_numpy(part) for part in np.split(numbers.astype(np.int64), ends)], names.tolist()


def refuse_wrong(groups: Tensor, where: str, samples: int | None = None) -> None:
    """Refuse what a task says are the groups of a split, unless it is one whole number for each sample.

    Args:
        groups: of the split.
        where: how the message names them.
        samples: how many there are, where that is known.

    Raises:
        BmnasError: it is not.
    """
    if not isinstance(groups, Tensor):
        found = type(groups).__name__
    elif groups.dim() == 1 and samples in (None, len(groups)) and not groups.is_floating_point():
        return
    else:
        found = f"{groups.dtype} of shape {tuple(groups.shape)}"
    number = "" if samples is None else f"{samples} "
    raise BmnasError(f"{where}: are {found}, but should be a tensor of {number}whole numbers, one for each sample")


def straddling(groups: Sequence[tuple[str, Tensor]], name_of: Callable[[int], str]) -> list[str]:
    """A sentence for every two splits that have a group in common.

    Args:
        groups: the splits in the order in which they are used, each with the groups of its samples, (N,).
        name_of: how the sentence names a group.
    """
    said = []
    for (one, first), (other, second) in combinations(groups, 2):
        shared = first.unique()
        shared = shared[torch.isin(shared, second)].tolist()
        if shared:
            more = f", and {len(shared) - 1} more are" if len(shared) > 1 else ""
            said.append(
                f"{name_of(shared[0])} is in both the {one} and the {other} split{more}: "
                f"scores on the {other} split are not those of groups that were never seen"
            )
    return said


def _array(given: Any) -> Array:
    if isinstance(given, Tensor):
        return given.detach().cpu().numpy()
    try:
        # Numbers and text in one list would all become text.
        return np.array(given, dtype=object) if isinstance(given, list | tuple) else np.asarray(given)
    except (ValueError, TypeError):
        return np.empty((), dtype=object)


def _value(value: Any, index: int, place: Callable[[int], str]) -> int | str:
    # NumPy has no text that ends in a zero byte.
    if isinstance(value, str) and value and not value.endswith("\0"):
        return value
    # A text file that NumPy read, or a column with a gap, has whole numbers as floats.
    whole: Any = int(value) if isinstance(value, float) and value.is_integer() else value
    try:
        number = operator.index(whole)
    except TypeError:
        raise BmnasError(f"{place(index)} has the group {short(value)}, which is no whole number and no name") from None
    if not _LEAST <= number <= _MOST:
        raise BmnasError(f"{place(index)} has the group {short(number)}, but a number has to have at most 64 bits")
    return number
