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

from bmnas.cli import names
from bmnas.cli.help import OUTPUT

if TYPE_CHECKING:
    from bmnas.genotype import Genotype
    from bmnas.tasks import Extraction, Task

# The headings under which a command's help has its options; those of settings are in the settings.
DATA, EXTRACTION = "Data", "Features"

GenotypeFile = Annotated[
    Path,
    typer.Argument(
        metavar="GENOTYPE",
        help="A genotype file (JSON), a run folder, or a published one: ntu-1, mmimdb-1, ...",
        show_default=False,
        autocompletion=names.genotypes,
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="TASK",
        help="Its name (digits, planted, utd-mhad, av-digits, ...), with options after a colon "
        "(utd-transfer:half=1,shots=4; bmnas taps TASK --options lists them); your own Python file, my_task.py; or a "
        "folder of arrays.",
        show_default=False,
        rich_help_panel=DATA,
        autocompletion=names.tasks,
    ),
]
TaskOfChannels = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="TASK",
        help="A task that supplies the channels which the file leaves out.",
        show_default="none",
        autocompletion=names.tasks,
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="Folder of the task's data, where it needs one.",
        show_default="none",
        rich_help_panel=DATA,
    ),
]
FeatureFolder = Annotated[
    Path | None,
    typer.Option(
        "--features",
        metavar="FOLDER",
        help="Folder of your own arrays of features, in place of a task.",
        show_default="none",
        rich_help_panel=DATA,
    ),
]
Modalities = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Modalities of the task, with commas between them.",
        show_default="all",
        rich_help_panel=DATA,
    ),
]

Backbones = Annotated[
    list[str] | None,
    typer.Option(
        "--backbone",
        metavar="MODALITY=FILE",
        help="Trained weights of a backbone (safetensors or torch.save), which is not trained then; may be repeated.",
        show_default="none",
        rich_help_panel=DATA,
    ),
]


class Number(StrEnum):
    """Numbers in which features are kept."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


Views = Annotated[
    int,
    typer.Option(
        min=1,
        max=999,
        metavar="VIEWS",
        help="Views of a training sample, the others augmented.",
        rich_help_panel=EXTRACTION,
    ),
]
Precision = Annotated[Number, typer.Option(help="Numbers in which features are kept.", rich_help_panel=EXTRACTION)]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=256,
        metavar="PROCESSES",
        help="Processes that read samples.",
        show_default="as many as suit the machine",
        rich_help_panel=EXTRACTION,
    ),
]
SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad", help="Leave samples out that cannot be read, and record them.", rich_help_panel=EXTRACTION
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="DEVICE",
        help="cpu, cuda, cuda:1, ...",
        show_default="the GPU where there is one",
        rich_help_panel=EXTRACTION,
        autocompletion=names.devices,
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder for backbones and features.",
        show_default="$BMNAS_CACHE, or the user's cache folder",
        rich_help_panel=EXTRACTION,
    ),
]
Length = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="POSITIONS",
        help="Length of every node, L.",
        show_default="the task's own",
        rich_help_panel=EXTRACTION,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what exists.", rich_help_panel=OUTPUT)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.", rich_help_panel=OUTPUT)]


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
    weights = refuse_unknown(task, data, features, modalities, backbones)

    from bmnas.tasks import get_task  # what can be wrong without torch has been told

    if features is not None:
        # The dot tells it from the name of a task.
        task = str(features) if features.is_absolute() else f".{os.sep}{features}"
    wanted = [name.strip() for name in modalities.split(",")] if modalities is not None else None
    chosen = get_task(task or usual, data=data, modalities=wanted, weights=weights)
    if features is not None:
        typed = f"--features {shlex.quote(str(features))}"
        chosen.invocation = chosen.invocation.replace(f"--task {shlex.quote(str(task))}", typed, 1)
    return chosen


def refuse_unknown(
    task: str | None,
    data: Path | None = None,
    features: Path | None = None,
    modalities: str | None = None,
    backbones: list[str] | None = None,
) -> dict[str, Path]:
    """Look at the options that name a task, as far as that can be done without torch; the files of weights in them.

    Raises:
        BmnasError: they do not go together, or there is no such task, folder or file.
    """
    from bmnas.errors import BmnasError

    if features is not None:
        if task is not None:
            raise BmnasError("--features names the data in place of a task; leave --task out")
        if not features.is_dir():
            what = "is not a folder" if features.exists() else "there is no such folder"
            raise BmnasError(f"{features}: {what}; --features takes a folder of arrays")
    elif task is not None:
        names.refuse_unknown_task(task)
    return parsed_backbones(backbones)


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
    names.refuse_unknown_task(task)
    from bmnas.tasks import described_task

    own = {feature.name: feature.channels for feature in described_task(task).features}
    return genotype.with_channels({name: channels for name, channels in own.items() if channels is not None})


def score(value: float, metric: str) -> str:
    """A score as people write it: accuracies in percent."""
    return f"{100 * value:.2f} %" if metric == "accuracy" else f"{value:.4f}"
