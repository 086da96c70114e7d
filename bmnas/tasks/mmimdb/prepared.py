"""The folder that the released code prepares: ``train|dev|test/{image,text,label}_NNNNNN.npy``, numbered from 0."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy

from bmnas.errors import BmnasError
from bmnas.files import read_bytes, reason
from bmnas.tasks.arrays.stored import first_line, refuse_types
from bmnas.tasks.mmimdb.layout import EXPECTED, SHAPES

# Of a poster in 64 bits, and a header, with room to spare.
_LIMIT = 2**21
_NAME = re.compile(r"(image|text|label)_(\d{6})\.npy")


@dataclass(frozen=True)
class PreparedFolder:
    """The files of one split.

    Attributes:
        folder: ``train``, ``dev`` or ``test``.
    """

    folder: Path

    def numbers(self, parts: Sequence[str]) -> tuple[int, ...]:
        """The numbers of its movies, sorted.

        Args:
            parts: that a movie has to have: ``image``, ``text``, ``label``.

        Raises:
            BmnasError: the folder cannot be read, or a movie lacks one of these parts.
        """
        found: dict[str, set[int]] = {part: set() for part in SHAPES}
        try:
            if not self.folder.is_dir():
                raise BmnasError(f"{self.folder}: there is no such folder; {EXPECTED}")
            for path in self.folder.iterdir():
                if match := _NAME.fullmatch(path.name):
                    found[match[1]].add(int(match[2]))
        except OSError as error:
            raise BmnasError(f"{error.filename or self.folder}: cannot be read: {reason(error)}") from error
        every = set().union(*(found[part] for part in parts))
        for part in parts:
            if lacking := every - found[part]:
                number = min(lacking)
                other = next(other for other in parts if number in found[other])
                more = f", and so are {len(lacking) - 1} more" if len(lacking) > 1 else ""
                raise BmnasError(f"{self.file(part, number)}: is missing, but there is {_name(other, number)}{more}")
        return tuple(sorted(every))

    def read(self, part: str, number: int) -> np.ndarray[Any, Any]:
        """See `Store.read`."""
        path = self.file(part, number)
        content = read_bytes(path, _LIMIT, f"{_LIMIT // 2**20} MiB, too large for a part of a movie")
        try:
            layout = _layout(content[: 10 + int.from_bytes(content[8:10], "little")])
        except Exception as error:  # NumPy shows what a header lacks as any of a dozen types
            raise BmnasError(f"{path}: is no .npy file, or a damaged one: {first_line(error)}") from error
        refuse_types(str(path), layout.dtype)
        if layout.shape != SHAPES[part]:
            raise BmnasError(f"{path}: has shape {layout.shape}, but should have {SHAPES[part]}")
        count = math.prod(layout.shape)
        if len(content) - layout.start < count * layout.dtype.itemsize:
            raise BmnasError(f"{path}: is cut short: it has {len(content)} bytes, too few for {layout.shape}")
        return np.frombuffer(content, layout.dtype, count, layout.start).reshape(layout.shape, order=layout.order)

    def place(self, number: int) -> str:
        """See `Store.place`."""
        return f"{self.folder.name}, number {number:06d}"

    def file(self, part: str, number: int) -> Path:
        """The file of a part of a movie."""
        return self.folder / _name(part, number)

    def stamps(self, parts: Iterable[str], numbers: Sequence[int]) -> Iterator[str]:
        """What changes with the files: the names, sizes and times of these parts of these movies.

        Raises:
            BmnasError: a file cannot be read.
        """
        for part in parts:
            for number in numbers:
                path = self.file(part, number)
                try:
                    status = path.stat()
                except OSError as error:
                    raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
                yield f"{path.name} {status.st_size} {status.st_mtime_ns}\n"


class _Layout(NamedTuple):
    """How an array lies in a .npy file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["C", "F"]
    start: int


@lru_cache(maxsize=64)  # all files of a part begin alike, and reading that takes longer than all the rest
def _layout(header: bytes) -> _Layout:
    stream = BytesIO(header)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("it is of another version than 1.0")
    shape, fortran, dtype = npy.read_array_header_1_0(stream)
    return _Layout(shape, dtype, "F" if fortran else "C", len(header))


def _name(part: str, number: int) -> str:
    return f"{part}_{number:06d}.npy"
