"""`FolderTask`: a task whose data lie in a folder that the user has."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Self

from bmnas.errors import BmnasError
from bmnas.tasks.task import Task


class FolderTask(Task):
    """A task on a data folder, of which nothing is read before it is asked for.

    Args:
        data: the folder. A subclass may have more arguments, with defaults.
    """

    @abstractmethod
    def __init__(self, data: Path) -> None: ...

    @classmethod
    @abstractmethod
    def needs(cls) -> str:
        """What has to be in the folder, or where it comes from: the end of a sentence."""

    @classmethod
    def open(cls, data: Path | None = None) -> Self:
        """The task on the data folder, its other arguments as they are usually.

        Raises:
            BmnasError: no folder is given, or there is none.
        """
        if data is None:
            raise BmnasError(f"task {cls.name} needs its data, --data DIR: {cls.needs()}")
        if not data.is_dir():
            raise BmnasError(f"{data}: there is no such folder; {cls.needs()}")
        return cls(data)

    @classmethod
    def described(cls) -> Self:
        """The task without data."""
        return cls(Path())
