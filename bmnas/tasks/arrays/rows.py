"""A feature of all samples: one array, or one for each split, read by samples. Axes: N samples, C channels."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.arrays.stored import Array, Stored, floats, refuse_types, row_bytes

# So much is in the processor's cache when it is looked at twice. Of columns that lie far apart, more at a time.
_BLOCK, _FORTRAN_BLOCK = 2**20, 2**26
# By the bytes of a float, the bits of the least that is no finite 32-bit float: 2¹²⁸ - 2¹⁰³ is rounded up to 2¹²⁸.
_TOO_LARGE = {2: 0x7C00, 4: 0x7F800000, 8: int(np.float64(2.0**128 - 2.0**103).view(np.uint64))}


@dataclass(frozen=True)
class Scan:
    """What one reading of a whole feature gives.

    Attributes:
        digest: text that changes with type, shape and content.
        bad: the samples with a value that is no finite 32-bit float, in rising order.
        ends: of each sample (C, T, ...), how many positions along T there are up to the last that is not zero in every
            channel: what comes after it looks like padding. 0 where the whole sample is zero, 1 where there is no T.
    """

    digest: str
    bad: Array
    ends: Array


class Rows:
    """A feature (N, C, ...) in parts, which follow one another along the first axis.

    Attributes:
        parts: the arrays.
        shape: of all of them together.
    """

    def __init__(self, parts: Sequence[Stored]) -> None:
        for part in parts:
            _check_shape(part)
        self.parts = tuple(parts)
        first = parts[0]
        for part in parts[1:]:
            if part.shape[1:] != first.shape[1:]:
                raise BmnasError(
                    f"{part.where}: its samples have shape {part.shape[1:]}, but those of {first.where} "
                    f"have {first.shape[1:]}"
                )
        self.shape = (sum(part.shape[0] for part in parts), *first.shape[1:])
        self._starts = np.cumsum([0, *(part.shape[0] for part in parts)])

    @property
    def where(self) -> str:
        """How messages name it."""
        return self.parts[0].where

    def take(self, indices: Array) -> Tensor:
        """Some samples (len(indices), C, ...), float32."""
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        found: list[tuple[Array, Tensor]] = []
        for number in np.unique(owners):
            part, here = self.parts[number], np.flatnonzero(owners == number)
            picked = _picked(part.open(), indices[here] - self._starts[number])
            found.append((here, floats(picked, bfloat16=part.bfloat16)))
        if len(found) == 1:
            return found[0][1]
        out = torch.empty((len(indices), *self.shape[1:]))
        for here, tensor in found:
            out[torch.from_numpy(here)] = tensor
        return out

    def scan(self) -> Scan:
        """Read everything once, block by block."""
        digests, bad, ends = [], [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for part, start in zip(self.parts, self._starts, strict=False):
            checksum: _Crc32 | Any = _Crc32() if part.in_file else hashlib.sha256()
            for first, block in _blocks(part):
                checksum.update(block.reshape(-1).view(np.uint8).data)
                bad.append(start + first + _not_finite(block, part.bfloat16))
                ends.append(_ends(block, part.bfloat16))
            kind = "bfloat16" if part.bfloat16 else part.dtype.str
            digests.append(f"{kind} {part.shape} {checksum.hexdigest()}")
        return Scan("; ".join(digests), np.concatenate(bad), np.concatenate(ends))

    def place(self, index: int) -> str:
        """Where a sample lies: ``data/Video_1.npy: sample 17``."""
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self.parts[number].place(index - int(self._starts[number]))

    def problem(self, index: int) -> str:
        """What is wrong with a sample that `scan` calls bad, as the end of a sentence."""
        sample = self.take(np.array([index]))[0]
        at = (~sample.isfinite()).nonzero()[0].tolist()
        value = "NaN" if bool(sample[tuple(at)].isnan()) else "infinite, or too large for a 32-bit float,"
        return f"is {value} at {at}, but every value has to be a finite number"


class _Crc32:
    """Three times as fast as SHA-256, for files that may be large; it guards against change, not against malice."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: Any) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def _check_shape(part: Stored) -> None:
    refuse_types(part.where, part.dtype)
    if len(part.shape) < 2:
        raise BmnasError(
            f"{part.where}: has shape {part.shape}, but a feature is (samples, channels) or has more axes after these"
        )
    if 0 in part.shape:
        raise BmnasError(f"{part.where}: has shape {part.shape}, so there is nothing in it")


def _picked(array: Array, indices: Array) -> Array:
    """Rows by indices; a slice where they follow one another."""
    first, last = (int(indices[0]), int(indices[-1])) if len(indices) else (0, -1)
    if last - first + 1 == len(indices) and bool((np.diff(indices) == 1).all()):
        return np.asarray(array[first : last + 1])
    return np.asarray(array[indices])


def _blocks(part: Stored) -> Iterator[tuple[int, Array]]:
    array = part.open()
    size = _BLOCK if array.flags.c_contiguous else _FORTRAN_BLOCK
    step = max(1, size // row_bytes(part))
    for first in range(0, len(array), step):
        yield first, np.ascontiguousarray(array[first : first + step])


def _not_finite(block: Array, bfloat16: bool) -> Array:
    """The samples of a block with a value that is no finite 32-bit float."""
    none = np.empty(0, dtype=np.int64)
    if block.dtype.kind != "f" and not bfloat16:
        return none
    if block.dtype.itemsize > 8:
        block = block.astype(np.float64)
    size = block.dtype.itemsize
    bits = block.astype(block.dtype.newbyteorder("="), copy=False).view(f"u{size}").reshape(len(block), -1)
    # Without the sign, the bits of floats are in the order of their sizes, and infinity and NaN come last. To look at
    # bits is several times as fast as isfinite.
    size_of = bits & np.array((1 << (8 * size - 1)) - 1, bits.dtype)
    limit = 0x7F80 if bfloat16 else _TOO_LARGE[size]
    return np.flatnonzero((size_of >= limit).any(axis=1)) if int(size_of.max()) >= limit else none


def _ends(block: Array, bfloat16: bool) -> Array:
    """Of each sample of a block, the number of positions up to the last that is not zero, see `Scan.ends`."""
    if bfloat16:
        block = block & np.uint16(0x7FFF)  # without the sign: a negative zero is zero
    samples = block.reshape(*block.shape[:2], block.shape[2] if block.ndim > 2 else 1, -1)
    positions = samples.shape[2]
    ends = np.full(len(block), positions, dtype=np.int64)
    # Mostly the last position is not zero, and nothing else has to be looked at.
    rest = np.flatnonzero(~(samples[:, :, -1] != 0).any(axis=(1, 2)))
    if len(rest):
        there = (samples[rest] != 0).any(axis=(1, 3))
        ends[rest] = np.where(there.any(axis=1), positions - there[:, ::-1].argmax(axis=1), 0)
    return ends
