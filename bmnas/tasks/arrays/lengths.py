"""How many positions a sample of a feature has, where samples are padded to one length. Axes: N samples, T positions.

Lengths are given, or, where they are not, what is zero at the end of a sample in every channel is its padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bmnas.errors import BmnasError
from bmnas.tasks.arrays.rows import Rows, Scan
from bmnas.tasks.arrays.stored import Array, Stored


@dataclass(frozen=True)
class Lengths:
    """The positions that there are.

    Attributes:
        most: of the longest sample; the positions after it are no sample's.
        each: of every sample, (N,), at most ``most``; ``None`` where all samples are as long.
        guessed: how many samples are shorter than the array by what its zeros say, where no lengths were given.
        empty: the samples that are zero everywhere.
    """

    most: int
    each: Array | None
    guessed: int
    empty: Array


def given(stored: Stored, rows: Rows, used: Array) -> Array:
    """Lengths (N,) that a person gave for a feature.

    Args:
        stored: the lengths.
        rows: the feature.
        used: the samples that are in a split; the others may have any length.

    Raises:
        BmnasError: they are no lengths, or not of this feature; the message names the sample.
    """
    if stored.dtype.kind not in "iu" or stored.shape != rows.shape[:1]:
        raise BmnasError(
            f"{stored.where}: is {stored.dtype} of shape {stored.shape}, but the lengths of {rows.where} are "
            f"{rows.shape[0]} whole numbers, one for each sample"
        )
    if len(rows.shape) < 3:
        raise BmnasError(f"{stored.where}: gives lengths, but {rows.where} has shape {rows.shape}, without positions")
    values, most = stored.values(), rows.shape[2]
    wrong = used[(values[used] < 1) | (values[used] > most)]
    if len(wrong):
        sample = int(wrong[0])
        raise BmnasError(
            f"{stored.place(sample)} has length {int(values[sample])}, but {rows.where} has 1 to {most} positions"
        )
    return values.clip(1, most).astype(np.int64)


def lengths(scan: Scan, rows: Rows, told: Array | None, used: Array, *, sequence: bool) -> Lengths:
    """The lengths of a feature.

    Args:
        scan: of the feature.
        rows: the feature.
        told: the lengths that were given.
        used: the samples that are in a split.
        sequence: whether its positions are pooled as a sequence, so that there can be padding.
    """
    empty = np.sort(used[scan.ends[used] == 0])
    if not sequence or len(rows.shape) < 3:
        return Lengths(rows.shape[2] if len(rows.shape) > 2 else 1, None, 0, empty)
    positions = rows.shape[2]
    each = scan.ends if told is None else told
    there = each[used]
    # A sample of zeros alone is as long as may be: it is not known where it ends, and its maxima are zero anyway.
    most = int(there.max()) or positions
    each = np.where(each == 0, most, each).clip(1, most)
    guessed = 0 if told is not None else int((each[used] < positions).sum())
    return Lengths(most, None if bool((each[used] == most).all()) else each, guessed, empty)


def remarks(rows: Rows, found: Lengths, samples: int) -> list[str]:
    """What a person should know of a feature's padding and of its samples of zeros."""
    said = []
    if found.guessed:
        said.append(
            f"{rows.where}: {found.guessed} of {samples} samples end in zeros in every channel, which are taken as "
            "padding and not pooled; lengths say it exactly"
        )
    if len(found.empty):
        more = f", and so are {len(found.empty) - 1} more" if len(found.empty) > 1 else ""
        said.append(f"{rows.place(int(found.empty[0]))} is zero everywhere{more}")
    return said


def is_lengths(name: str, shape: tuple[Any, ...]) -> bool:
    """Whether an array in a folder has the name and the shape of the lengths of a feature."""
    return name.endswith(SUFFIX) and name != SUFFIX and len(shape) == 1


SUFFIX = ".lengths"
