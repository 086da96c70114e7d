"""`FolderTask`: a task whose data lie in a folder that the user has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from bmnas.errors import BmnasError
from bmnas.tasks.task import Task


class FolderTask(Task):
    """A task on a data folder, of which nothing is read before it is asked for.

    Args:
        data: the folder. A subclass may have more arguments, with defaults; what they are is told by its `Options`.
    """

    @abstractmethod
    def __init__(self, data: Path) -> None: ...

    @classmethod
    @abstractmethod
    def needs(cls) -> str:
        """What has to be in the folder, or where it comes from: the end of a sentence."""

    @classmethod
    def open(cls, data: Path | None = None, **options: Any) -> Self:
        """The task on the data folder; its options that are not named are as they are usually.

        Raises:
            BmnasError: no folder is given, or there is none; or an option is none of the task's.
        """
        arguments = cls.Options.chosen(cls.name, options).given
        if data is None:
            raise BmnasError(f"task {cls.name} needs its data, --data DIR: {cls.needs()}")
        if not data.is_dir():
            raise BmnasError(f"{data}: there is no such folder; {cls.needs()}")
        make: Callable[..., Self] = cls
        return make(data, **arguments)

    @classmethod
    def described(cls, **options: Any) -> Self:
        """The task without data."""
        make: Callable[..., Self] = cls
        return make(Path(), **cls.Options.chosen(cls.name, options).given)
