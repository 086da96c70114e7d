"""``--settings``: what another search's ``config.json`` says, as if it had been typed."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from bmnas.tasks import Extraction

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

    def settings(self, given: dict[str, Any]) -> dict[str, Any]:
        """The settings by their flat names, overridden by those given on the command line.

        Raises:
            BmnasError: a setting is unknown, or has a value that makes no sense.
        """
        from bmnas.searcher.run.reading import recorded_config

        return recorded_config(self.content, self.path).changed(**given).flat()

    def extraction(self, given: Extraction) -> Extraction:
        """How features are extracted: as given, or else as in the file.

        Raises:
            BmnasError: the file says something else there.
        """
        from bmnas.errors import BmnasError
        from bmnas.tasks import Extraction

        recorded = self.content.get("features") or {}
        usual = Extraction().decisive
        if not isinstance(recorded, dict) or not recorded.keys() <= usual.keys():
            raise BmnasError(f"{self.path}: features has other settings than {', '.join(usual)}")
        unchanged = {name: value for name, value in recorded.items() if given.decisive[name] == usual[name]}
        return given.model_copy(update=Extraction.model_validate(recorded).model_dump(include=set(unchanged)))


class _Options(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)
