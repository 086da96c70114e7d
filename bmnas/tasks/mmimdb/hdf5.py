"""The official file, ``multimodal_imdb.hdf5``: its movies, and which splits it has.

Data sets ``images`` int32 (N, 3, 256, 160), ``features`` float32 (N, 300), ``genres`` int32 (N, 23), ``imdb_ids``
seven digits as bytes (N,); others are not read. The attribute ``split`` tells for each split and data set where its
rows begin and end. h5py is imported when a file is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from bmnas.errors import BmnasError, short
from bmnas.files import parse_json, reason
from bmnas.tasks.arrays.stored import first_line
from bmnas.tasks.class_names import checked_names
from bmnas.tasks.mmimdb.layout import EXPECTED, GENRES, SETS, SHAPES, SIZES
from bmnas.tasks.task import SplitName

# By what is read of a movie, the data set that has it.
_DATA_SETS: Mapping[str, str] = MappingProxyType({"image": "images", "text": "features", "label": "genres"})
_IDS = "imdb_ids"


@dataclass(frozen=True)
class MovieFile:
    """The file, opened once in each process, when something is read.

    Attributes:
        path: of it.
        stamp: its size and time, as they were when it was found.
        ids: the movies' seven digits, row by row.
        genres: what the columns of a label are called.
        ranges: of each split the rows, as the file has them; ``None`` where it says nothing of splits.
        rows_together: how many posters have to be read for one, because the file has them in one piece.
    """

    path: Path
    stamp: tuple[int, int]
    ids: tuple[str, ...]
    genres: tuple[str, ...]
    ranges: Mapping[SplitName, range] | None
    rows_together: int

    @classmethod
    def found(cls, path: Path, parts: Sequence[str]) -> MovieFile:
        """The file, looked at.

        Args:
            path: of it.
            parts: that are wanted of the movies: ``image``, ``text``, ``label``.

        Raises:
            BmnasError: h5py is not installed, the file is no HDF5 file or a damaged one, or does not hold what it
                should; the sentence says what.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
        with _in_words(path), _opened(path) as file:
            ids = _ids(path, file)
            for part in parts:
                _check(path, file, part, len(ids))
            return cls(
                path,
                (status.st_size, status.st_mtime_ns),
                ids,
                _genres(path, file),
                _ranges(path, file, [_IDS, *(_DATA_SETS[part] for part in parts)], len(ids)),
                _rows_together(file) if "image" in parts else 1,
            )

    def read(self, part: str, number: int) -> np.ndarray[Any, Any]:
        """See `Store.read`; the number is that of the row."""
        with _in_words(self.path):
            return _data_set(self.path, self.stamp, os.getpid(), _DATA_SETS[part])[number]

    def place(self, number: int) -> str:
        """See `Store.place`."""
        return f"{self.path.name}, movie {self.ids[number]} (row {number})"


def _opened(path: Path) -> Any:
    """The file as h5py opens it.

    Raises:
        BmnasError: h5py is not installed, or this is no HDF5 file.
    """
    try:
        import h5py
    except ImportError:
        raise BmnasError(
            f"{path}: reading it needs h5py, which is not installed: pip install 'bmnas[mmimdb]'"
        ) from None
    if not h5py.is_hdf5(path):
        with path.open("rb"):  # what the system says goes first
            raise BmnasError(f"{path}: is no HDF5 file, or its beginning is damaged; {EXPECTED}")
    # Where a file system has no locks, as over a network, it is read without one.
    return h5py.File(path, "r", locking="best-effort")


@lru_cache(maxsize=16)
def _data_set(path: Path, _stamp: tuple[int, int], _process: int, name: str) -> Any:
    """A data set in a file that stays open. A file that was opened before a fork is not one that may be read after."""
    return _file(path, _stamp, _process)[name]


@lru_cache(maxsize=4)
def _file(path: Path, _stamp: tuple[int, int], _process: int) -> Any:
    return _opened(path)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Say what h5py raises in a sentence."""
    try:
        yield
    except BmnasError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, MemoryError) as error:
        said = reason(error) if isinstance(error, OSError) else first_line(error)
        what = "is cut short, so copy it again" if "truncated" in said else "cannot be read"
        raise BmnasError(f"{path}: {what}: {said}") from error


def _member(path: Path, file: Any, name: str) -> Any:
    """A data set in the file itself.

    Raises:
        BmnasError: there is none of that name.
    """
    import h5py

    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        there = ", ".join(map(short, list(file)[:8])) or "nothing"
        raise BmnasError(f"{path}: has no data set {name!r}, but {there}; {EXPECTED}")
    if found.is_virtual or found.external:
        raise BmnasError(f"{path}: the data set {name!r} lies in other files, which are not read; h5repack makes one")
    return found


def _check(path: Path, file: Any, part: str, movies: int) -> None:
    name = _DATA_SETS[part]
    found = _member(path, file, name)
    if found.dtype.kind not in "iuf" or found.shape[1:] != SHAPES[part]:
        raise BmnasError(
            f"{path}: the data set {name!r} is {found.dtype} of shape {found.shape}, but should be numbers of shape "
            f"({movies}, {', '.join(map(str, SHAPES[part]))})"
        )
    if len(found) != movies:
        raise BmnasError(f"{path}: the data set {name!r} has {len(found)} rows, but {_IDS!r} has {movies}")


def _ids(path: Path, file: Any) -> tuple[str, ...]:
    found = _member(path, file, _IDS)
    if found.dtype.kind not in "SOU" or found.ndim != 1:
        raise BmnasError(
            f"{path}: the data set {_IDS!r} is {found.dtype} of shape {found.shape}, but should be a text of seven "
            "digits for each movie"
        )
    ids = tuple(_text(value) for value in found[:])
    first: dict[str, int] = {}
    twice = [(own, row) for row, own in enumerate(ids) if first.setdefault(own, row) != row]
    if twice:
        own, row = twice[0]
        more = f", and {len(twice) - 1} more are there again" if len(twice) > 1 else ""
        raise BmnasError(f"{path}: {_IDS!r} has {short(own)} twice, in rows {first[own]} and {row}{more}")
    return ids


def _genres(path: Path, file: Any) -> tuple[str, ...]:
    said = _member(path, file, _DATA_SETS["label"]).attrs.get("target_names")
    if said is None:
        return GENRES
    try:
        names = [_text(name) for name in said] if isinstance(said, np.ndarray) else parse_json(_text(said))
        if not isinstance(names, list) or not names:
            raise BmnasError(f"is {short(names)}, but should be a list of names")
        return checked_names(names, len(GENRES))
    except BmnasError as error:
        raise BmnasError(f"{path}: the attribute 'target_names' of 'genres': {error}") from None


def _ranges(path: Path, file: Any, names: Sequence[str], movies: int) -> Mapping[SplitName, range] | None:
    """The rows of each split, by the attribute; or as the official file has them, if there are as many movies."""
    table = file.attrs.get("split")
    if table is None:
        return _official() if movies == sum(SIZES.values()) else None
    if not {"split", "source", "start", "stop"} <= set(getattr(table.dtype, "names", None) or ()):
        raise BmnasError(
            f"{path}: its attribute 'split' is {short(table)}, but should say start and stop of each split"
        )
    found: dict[SplitName, range] = {}
    for split, called in SETS.items():
        rows = [row for row in table if _text(row["split"]) == called and _text(row["source"]) in names]
        ranges = {_range(path, row, movies) for row in rows}
        if len(ranges) != 1:
            what = "no rows" if not ranges else "other rows for one data set than for another"
            raise BmnasError(f"{path}: its attribute 'split' gives {what} in {called!r}; {_USE_SPLIT_FILE}")
        (found[split],) = ranges
    ordered = sorted(found.items(), key=lambda item: item[1].start)
    for (one, before), (other, after) in pairwise(ordered):
        if before.stop > after.start:
            raise BmnasError(f"{path}: its attribute 'split' has row {after.start} in {SETS[one]} and in {SETS[other]}")
    return found


def _range(path: Path, row: Any, movies: int) -> range:
    if "indices" in row.dtype.names and bool(row["indices"]):
        raise BmnasError(f"{path}: its attribute 'split' names rows by reference, which is not read; {_USE_SPLIT_FILE}")
    start, stop = int(row["start"]), int(row["stop"])
    if not 0 <= start <= stop <= movies:
        raise BmnasError(
            f"{path}: its attribute 'split' has rows {start} to {stop} in {_text(row['split'])!r}, but there are "
            f"{movies} movies; {_USE_SPLIT_FILE}"
        )
    return range(start, stop)


def _official() -> Mapping[SplitName, range]:
    found, start = {}, 0
    for split, size in SIZES.items():
        found[split] = range(start, start + size)
        start += size
    return found


def _rows_together(file: Any) -> int:
    images = file[_DATA_SETS["image"]]
    return int(images.chunks[0]) if images.chunks else 1


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_USE_SPLIT_FILE = "a file split.json can say which movies are in which split"
