"""Arguments and options that several commands share, and what they do with files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bmnas.genotype import Genotype

GenotypeFile = Annotated[
    Path, typer.Argument(help="A genotype file (JSON), or a published one: ntu-1, mmimdb-1, ...", show_default=False)
]
TaskName = Annotated[str, typer.Option("--task", help="Name of the task.")]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda, cuda:1, ...; the GPU where there is one, if left out.", show_default=False),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        help="Folder for backbones and features; $BMNAS_CACHE or the user's cache folder if left out.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what exists.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]


def refuse_existing(path: Path, force: bool, source: Path | None = None) -> None:
    """Stop before any work where an output file exists or its folder cannot be written.

    Args:
        path: the output file.
        force: whether an existing file may be overwritten.
        source: the input file, which is never overwritten; it need not exist.

    Raises:
        BmnasError: it exists and ``force`` is not given, it is the input, or it could not be written.
    """
    from bmnas.genotype import BmnasError
    from bmnas.genotype.files import reason

    try:
        if path.is_dir():
            raise BmnasError(f"{path}: is a folder; name a file")
        if source is not None and path.exists() and source.exists() and path.samefile(source):
            raise BmnasError(f"{path}: is the genotype itself; name another file")
        if path.exists() and not force:
            raise BmnasError(f"{path}: exists; --force overwrites it")
        folder = path.absolute().parent
        while not folder.exists():
            folder = folder.parent
    except OSError as error:
        raise BmnasError(f"{path}: cannot be written: {reason(error)}") from error
    if not folder.is_dir():
        raise BmnasError(f"{path}: cannot be written: {folder} is not a folder")
    if not os.access(folder, os.W_OK):
        raise BmnasError(f"{path}: cannot be written: permission denied")


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Say which file an error inside the block is about."""
    from bmnas.genotype import BmnasError

    try:
        yield
    except BmnasError as error:
        raise BmnasError(f"{path}: {error}") from error


def completed(genotype: Genotype, task: str | None) -> Genotype:
    """The genotype with the channels that the task's features have, if a task is named."""
    if task is None:
        return genotype
    from bmnas.tasks import get_task

    own = {feature.name: feature.channels for feature in get_task(task).features}
    return genotype.with_channels({name: channels for name, channels in own.items() if channels is not None})


def score(value: float, metric: str) -> str:
    """A score as people write it: accuracies in percent."""
    return f"{100 * value:.2f} %" if metric == "accuracy" else f"{value:.4f}"
