"""Arguments and options that several commands share, and what they do with files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bmnas.genotype import Genotype
    from bmnas.tasks import Extraction, Task

GenotypeFile = Annotated[
    Path, typer.Argument(help="A genotype file (JSON), or a published one: ntu-1, mmimdb-1, ...", show_default=False)
]
TaskName = Annotated[
    str | None,
    typer.Option(
        "--task",
        help="digits, planted, utd-mhad, av-digits; your own Python file, my_task.py; or a folder of arrays.",
        show_default=False,
    ),
]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the task's data, where it needs one.", show_default=False)
]
FeatureFolder = Annotated[
    Path | None,
    typer.Option("--features", help="Folder of your own arrays of features, in place of a task.", show_default=False),
]
Modalities = Annotated[
    str | None,
    typer.Option(help="Modalities of the task, with commas; all if left out.", show_default=False),
]

Backbones = Annotated[
    list[str] | None,
    typer.Option(
        "--backbone",
        metavar="MODALITY=FILE",
        help="Trained weights of a backbone (safetensors), which is not trained then; may be repeated.",
        show_default=False,
    ),
]


class Number(StrEnum):
    """Numbers in which features are kept."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


Views = Annotated[int, typer.Option(min=1, max=999, help="Views of a training sample, the others augmented.")]
Precision = Annotated[Number, typer.Option(help="Numbers in which features are kept.")]
Workers = Annotated[
    int | None,
    typer.Option(min=0, max=256, help="Processes that read samples; as many as suit the machine.", show_default=False),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave samples out that cannot be read, and record them.")]
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
    from bmnas.errors import BmnasError
    from bmnas.files import reason

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
    from bmnas.errors import BmnasError

    try:
        yield
    except BmnasError as error:
        raise BmnasError(f"{path}: {error}") from error


def chosen_task(
    task: str | None,
    data: Path | None = None,
    features: Path | None = None,
    modalities: str | None = None,
    backbones: list[str] | None = None,
    *,
    usual: str = "digits",
) -> Task:
    """The task that the options name.

    Raises:
        BmnasError: options that do not go together, or no such task.
    """
    from bmnas.errors import BmnasError
    from bmnas.tasks import get_task

    if features is not None:
        if task is not None:
            raise BmnasError("--features names the data in place of a task; leave --task out")
        if not features.is_dir():
            what = "is not a folder" if features.exists() else "there is no such folder"
            raise BmnasError(f"{features}: {what}; --features takes a folder of arrays")
        task = f".{os.sep}{features}"  # the dot tells it from the name of a task
        if features.is_absolute():
            task = str(features)
    names = [name.strip() for name in modalities.split(",")] if modalities is not None else None
    chosen = get_task(task or usual, data=data, modalities=names, weights=parsed_backbones(backbones))
    if features is not None:
        typed = f"--features {shlex.quote(str(features))}"
        chosen.invocation = chosen.invocation.replace(f"--task {shlex.quote(str(task))}", typed, 1)
    return chosen


def parsed_backbones(backbones: list[str] | None) -> dict[str, Path]:
    """``MODALITY=FILE``, several of them, as files by modality.

    Raises:
        BmnasError: one is not of that kind.
    """
    from bmnas.errors import BmnasError

    weights = {}
    for given in backbones or ():
        modality, equals, file = given.partition("=")
        if not (modality and equals and file):
            raise BmnasError(f"--backbone is {given!r}; it is MODALITY=FILE, such as Skeleton=hcn.safetensors")
        weights[modality] = Path(file)
    return weights


def extraction_of(views: int, precision: Number, workers: int | None, skip_bad: bool) -> Extraction:
    """The options of an extraction as a value."""
    from bmnas.tasks import Extraction

    return Extraction(views=views, precision=precision.value, workers=workers, skip_bad=skip_bad)


def completed(genotype: Genotype, task: str | None) -> Genotype:
    """The genotype with the channels that the task's features have, if a task is named."""
    if task is None:
        return genotype
    from bmnas.tasks import described_task

    own = {feature.name: feature.channels for feature in described_task(task).features}
    return genotype.with_channels({name: channels for name, channels in own.items() if channels is not None})


def score(value: float, metric: str) -> str:
    """A score as people write it: accuracies in percent."""
    return f"{100 * value:.2f} %" if metric == "accuracy" else f"{value:.4f}"
