"""``bmnas predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.options import DATA, Backbones, DataFolder, Device, Force, parsed_backbones, refuse_existing

if TYPE_CHECKING:
    from bmnas.prediction import Model, Predictions
    from bmnas.tasks import SplitName, Task


def predict(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="A run folder, or a trained genotype file with its weights beside it.",
            show_default=False,
        ),
    ],
    samples: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SAMPLES]",
            help="Folder of new samples: arrays of features or of raw inputs, without labels; see docs/using.md.",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            metavar="TASK",
            help="Task whose samples are predicted, or whose backbones the network needs: a name or FILE.py.",
            show_default="none",
            rich_help_panel=DATA,
        ),
    ] = None,
    data: DataFolder = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="SPLIT",
            help="Split of the task: train, validation or test.",
            show_default="test, where a task is named",
            rich_help_panel=DATA,
        ),
    ] = None,
    backbone: Backbones = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="SEED", help="Of a run of several seeds: which.", show_default="the best", rich_help_panel=DATA
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="File for the answers: .csv, .jsonl or .npz.",
            show_default="CSV on the terminal",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    device: Device = None,
    force: Force = False,
) -> None:
    """Run a trained network on new samples, or show what it said of the test split.

    With a folder of new samples, or with a split of a task, the network answers. With neither, the answers for the
    test split are those that the run folder keeps, so that no data are needed.

    Example: bmnas predict runs/digits-seed0 -o answers.csv
    """
    from bmnas.errors import BmnasError

    if samples is not None and split is not None:
        raise BmnasError("a folder of samples is predicted, or a --split of a task; leave one of them out")
    if split is not None and split not in ("train", "validation", "test"):
        raise BmnasError(f"--split is {split!r}; it is train, validation or test")
    if data is not None and task is None:
        raise BmnasError("--data is the folder of a task's data; name the task with --task")
    if out is not None:
        refuse_existing(out, force)
    if model.is_file() and samples is None and split is None and task is None:
        raise BmnasError(
            f"{model}: is a genotype, beside which no answers are kept; name a folder of new samples, or a --split"
        )

    from bmnas.prediction import FORMATS, write
    from bmnas.prediction.predictions import writer_of
    from bmnas.searcher import open_run

    if out is not None:
        writer_of(out)
    if samples is None and split is None and task is None:
        from bmnas.prediction import of_test_split

        found = of_test_split(model, seed=seed)
    else:
        of_seed = model if seed is None else open_run(model).folder_of(seed)
        found = _answers(of_seed, samples, task, data, split, backbone, device)
    if out is None:
        content = FORMATS[".csv"](found)
        assert isinstance(content, str)
        typer.echo(content, nl=False)
        return
    write(found, out)
    typer.echo(f"{out}: answers for {len(found):,} samples")


def _answers(
    path: Path,
    samples: Path | None,
    task: str | None,
    data: Path | None,
    split: str | None,
    backbone: list[str] | None,
    device: str | None,
) -> Predictions:
    from bmnas.prediction import load_model, open_samples
    from bmnas.searcher.api import pick_device
    from bmnas.tasks import get_task

    owner = get_task(task, data=data) if task is not None else None
    model = load_model(path, task=owner, weights=parsed_backbones(backbone), device=pick_device(device))
    if samples is not None:
        opened = open_samples(samples, model.record, model.network.features)
        for remark in opened.remarks:
            typer.echo(remark, err=True)
        return model.predict_source(opened.source, ids=opened.ids)
    task_of_network = (owner or _own_task(model)).with_modalities(model.modalities)  # others need not be read
    return model.predict_source(task_of_network.split(cast("SplitName", split or "test")))


def _own_task(model: Model) -> Task:
    """The task that a network was trained on, where it needs no data of a user."""
    from bmnas.errors import BmnasError
    from bmnas.tasks import get_task
    from bmnas.tasks.registry import named_with

    record = model.record
    try:
        return get_task(named_with(record.task, record.options))
    except BmnasError:
        said = f", as in {record.invocation}" if record.invocation else ""
        raise BmnasError(
            f"the samples of the task {record.task!r} are not here; name the task with --task{said}"
        ) from None
