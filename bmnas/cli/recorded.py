"""``--settings``: what another search's ``config.json`` says, as if it had been typed."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from bmnas.searcher import SearchConfig
    from bmnas.tasks import Extraction, Task

Named = tuple[str | None, Path | None, Path | None, str | None, list[str] | None]


@dataclass(frozen=True)
class Recorded:
    """The content of a ``config.json``, or of a file of settings alone.

    Attributes:
        path: of the file.
        content: as it was read.
    """

    path: Path
    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Recorded:
        """Read the file.

        Raises:
            BmnasError: it cannot be read, or is no such file.
        """
        from bmnas.errors import BmnasError
        from bmnas.files import read_json

        content = read_json(path, 2**20)
        if not isinstance(content, dict):
            raise BmnasError(f"{path}: is no object with settings")
        return cls(path, content)

    @property
    def task(self) -> Named:
        """The options that name the task: task, data, features, modalities, backbones; nothing where none is named."""
        from bmnas.errors import BmnasError

        typed = self.content.get("invocation") or ""
        options = _Options(add_help=False, allow_abbrev=False)
        for name, kind in (("task", str), ("data", Path), ("features", Path), ("modalities", str)):
            options.add_argument(f"--{name}", type=kind)
        options.add_argument("--backbone", action="append")
        try:
            found = options.parse_args(shlex.split(str(typed)))
        except ValueError as error:
            raise BmnasError(f"{self.path}: invocation names no task: {error}") from None
        return found.task, found.data, found.features, found.modalities, found.backbone

    def task_with(self, given: Named) -> Named:
        """The options that name the task, overridden by those given; with another task, none of the file's are left."""
        if given[0] is not None or given[2] is not None:
            return given
        task, data, features, modalities, backbones = self.task
        return task, given[1] or data, features, given[3] or modalities, given[4] or backbones

    def config(self, task: Task, given: dict[str, Any]) -> SearchConfig:
        """The settings, overridden by those given on the command line.

        Those of a search are all there are. What a file of settings alone leaves out suits the task.

        Raises:
            BmnasError: a setting is unknown, or has a value that makes no sense.
        """
        from bmnas.searcher import SearchConfig
        from bmnas.searcher.run.reading import recorded_config

        config = recorded_config(self.content, self.path).changed(**given)
        if "search" in self.content:
            return config
        named = _names(self.content) | given.keys()
        return SearchConfig.for_task(task, **{name: value for name, value in config.flat().items() if name in named})

    def extraction(self, given: Extraction, typed: Collection[str] = ()) -> Extraction:
        """How features are extracted: as typed, or else as in the file.

        Args:
            given: as the command line has it.
            typed: which of its settings were typed.

        Raises:
            BmnasError: the file says something else there.
        """
        from pydantic import ValidationError

        from bmnas.errors import BmnasError
        from bmnas.tasks import Extraction

        recorded = self.content.get("features") or {}
        usual = Extraction().decisive
        if not isinstance(recorded, dict) or not recorded.keys() <= usual.keys():
            raise BmnasError(f"{self.path}: features has other settings than {', '.join(usual)}")
        try:
            read = Extraction.model_validate(recorded)
        except ValidationError:
            raise BmnasError(f"{self.path}: features has values that make no sense") from None
        return given.model_copy(update=read.model_dump(include=recorded.keys() - set(typed)))


def _names(settings: dict[str, Any]) -> set[str]:
    """The flat names of settings as a file has them, those of a strategy in it or beside it."""
    inner = [_names(value) for value in settings.values() if isinstance(value, dict)]
    return settings.keys() | set().union(*inner)


class _Options(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)
