"""Which movies are in which split: as the official file has them, or as a split file says.

A split file is JSON with three lists of ids, ``train``, ``dev`` and ``test``. As in the released preparation, movies
are taken in the order of the lists, and those that are in no list are in the test split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.files import read_json
from bmnas.tasks.mmimdb.hdf5 import MovieFile
from bmnas.tasks.mmimdb.layout import SETS, SPLIT_FILE
from bmnas.tasks.task import SPLITS, SplitName

_LIMIT = 2**24  # bytes
_DIGITS = 7


@dataclass(frozen=True)
class Sets:
    """The rows of each split, in order.

    Attributes:
        rows: by split.
        remarks: what one should know of them, in sentences.
    """

    rows: Mapping[SplitName, Sequence[int]]
    remarks: tuple[str, ...] = ()


def sets_of(file: MovieFile, choice: str) -> Sets:
    """The splits of a file's movies.

    Args:
        file: has the movies.
        choice: ``auto``: by `SPLIT_FILE` beside the file, where there is one; ``file``: by the file itself; or the path
            of a split file.

    Raises:
        BmnasError: there is nothing that tells, or a split file is wrong; the sentence says how many ids are.
    """
    beside = file.path.with_name(SPLIT_FILE)
    if choice == "file" or (choice == "auto" and not beside.exists()):
        if file.ranges is None:
            raise BmnasError(
                f"{file.path}: has {len(file.ids)} movies and no attribute 'split', so a file {SPLIT_FILE} beside it "
                'has to say which are in which split: {"train": [ids], "dev": [ids], "test": [ids]}'
            )
        return Sets(file.ranges)
    path = beside if choice == "auto" else Path(choice).expanduser()
    return _by_lists(file, path, _read(path))


def _by_lists(file: MovieFile, path: Path, lists: Mapping[SplitName, Sequence[str]]) -> Sets:
    row_of = {own: row for row, own in enumerate(file.ids)}
    unknown = [own for ids in lists.values() for own in ids if own not in row_of]
    if unknown:
        raise BmnasError(
            f"{path}: names {_movies(len(unknown))} that {file.path.name} does not have, such as {short(unknown[0])}; "
            "the option split=file takes the splits of that file"
        )
    rows: dict[SplitName, list[int]] = {split: [row_of[own] for own in ids] for split, ids in lists.items()}
    named = {row for own in rows.values() for row in own}
    rest = [row for row in range(len(file.ids)) if row not in named]
    rows["test"] += rest
    return Sets(rows, tuple(_remarks(file, path, rows, len(rest))))


def _remarks(file: MovieFile, path: Path, rows: Mapping[SplitName, Sequence[int]], rest: int) -> list[str]:
    said = []
    if rest:
        said.append(f"{path.name} does not name {_movies(rest)} of {file.path.name}, taken into the test split")
    if file.ranges is not None:
        others = {split: set(own) for split, own in file.ranges.items()}
        differ = sum(row not in others[split] for split, own in rows.items() for row in own)
        if differ:
            said.append(
                f"{path.name} puts {_movies(differ)} of {len(file.ids):,} into another split than {file.path.name} "
                "itself does, and is followed"
            )
    return said


def _read(path: Path) -> dict[SplitName, list[str]]:
    content = read_json(path, _LIMIT)
    right = "it should have lists of ids: train, dev, test"
    if not isinstance(content, dict):
        raise BmnasError(f"{path}: is {short(content)}; {right}")
    lists: dict[SplitName, list[str]] = {}
    for split in SPLITS:
        called = SETS[split]
        if called not in content and called != "test":  # which is what is left
            raise BmnasError(f"{path}: has no list {called!r}{did_you_mean(called, content)}; {right}")
        lists[split] = _ids(path, called, content.get(called, []))
    times = Counter(own for ids in lists.values() for own in ids)
    twice = [own for own, count in times.items() if count > 1]
    if twice:
        raise BmnasError(f"{path}: names {_movies(len(twice))} more than once, such as {short(twice[0])}")
    return lists


def _ids(path: Path, called: str, ids: Any) -> list[str]:
    if not isinstance(ids, list):
        raise BmnasError(f"{path}: {called!r} is {short(ids)}, but should be a list of ids")
    for own in ids:
        if isinstance(own, bool) or not isinstance(own, str | int):
            raise BmnasError(f"{path}: {called!r} has the id {short(own)}, but ids are of {_DIGITS} digits")
    return [str(own).zfill(_DIGITS) for own in ids]  # where they were taken for numbers, zeros were lost


def _movies(count: int) -> str:
    return "one movie" if count == 1 else f"{count:,} movies"
