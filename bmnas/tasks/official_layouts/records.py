"""Lists of records in JSON files from elsewhere: each value is looked at, and what is wrong is named with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.files import read_json

# The questions of VQA-v2's test split have 52 MB, its training annotations 377 MB.
_LIMIT = 2**30
T = TypeVar("T")


class Record:
    """One record of a list.

    Args:
        value: as JSON has it.
        where: file and place, as messages begin.

    Raises:
        BmnasError: it is no object.
    """

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise BmnasError(f"{where}: is {short(value)}, but should be an object")
        self.where = where
        self._value: dict[str, Any] = value

    def get(self, key: str) -> Any:
        """The value of a key.

        Raises:
            BmnasError: there is none.
        """
        if key not in self._value:
            raise BmnasError(f"{self.where}: has no {key!r}{did_you_mean(key, self._value)}")
        return self._value[key]

    def number(self, key: str) -> int:
        """A whole number; one that is written as text, too.

        Raises:
            BmnasError: it is none.
        """
        value = self.get(key)
        if isinstance(value, str) and value.isdecimal() and len(value) < 19:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
            raise BmnasError(f"{self.where}: {key} is {short(value)}, but should be a whole number")
        return value

    def text(self, key: str) -> str:
        """A text.

        Raises:
            BmnasError: it is none.
        """
        value = self.get(key)
        if not isinstance(value, str):
            raise BmnasError(f"{self.where}: {key} is {short(value)}, but should be text")
        return value

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """So many numbers.

        Raises:
            BmnasError: they are not.
        """
        value = self.get(key)
        good = isinstance(value, list) and len(value) == count
        if not good or any(isinstance(each, bool) or not isinstance(each, int | float) for each in value):
            raise BmnasError(f"{self.where}: {key} is {short(value)}, but should be {count} numbers")
        return tuple(map(float, value))

    def list(self, key: str) -> Sequence[Any]:
        """A list.

        Raises:
            BmnasError: it is none.
        """
        value = self.get(key)
        if not isinstance(value, list):
            raise BmnasError(f"{self.where}: {key} is {short(value)}, but should be a list")
        return value


def read_document(path: Path) -> Any:
    """The data of a JSON file.

    Raises:
        BmnasError: it cannot be read.
    """
    return read_json(path, _LIMIT)


def records(value: Any, path: Path, key: str = "") -> list[Record]:
    """The records of a list, or of the list under a key of an object.

    Raises:
        BmnasError: there is no such list, or it is empty.
    """
    listed = Record(value, str(path)).list(key) if key else value
    if not isinstance(listed, list):
        raise BmnasError(f"{path}: is {short(value)}, but should be a list of objects")
    if not listed:
        raise BmnasError(f"{path}: has an empty list{f' {key!r}' if key else ''}")
    prefix = f"{path}: {key}" if key else f"{path}: "
    return [Record(each, f"{prefix}[{number}]") for number, each in enumerate(listed)]


def file_in(data: Path, names: Sequence[str], what: str) -> Path:
    """The first of some files that is in a folder or in one of its folders.

    Raises:
        BmnasError: there is none; the message names the first.
    """
    for name in names:
        for path in (data / name, *sorted(data.glob(f"*/{name}"))):
            if path.is_file():
                return path
    raise BmnasError(f"{data / names[0]}: is missing: {what}")
