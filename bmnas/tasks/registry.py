"""The tasks that come with the package, by name, and those of the user. A new one is a file, and a line here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bmnas.errors import BmnasError, short
from bmnas.table import Table
from bmnas.tasks.av_digits import AvDigitsTask
from bmnas.tasks.av_pairs import AvSameTask, AvSpeakerTask, AvSumTask
from bmnas.tasks.digits import DigitsTask
from bmnas.tasks.egogesture import EgoGestureTask
from bmnas.tasks.emoji import EmojiTask
from bmnas.tasks.mmimdb import MmimdbTask
from bmnas.tasks.nlvr import NlvrTask
from bmnas.tasks.ntu import NtuTask
from bmnas.tasks.official_layouts.task import FlickrTask, RefcocoTask, VqaTask
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.planted import PlantedTask
from bmnas.tasks.scenes import ScenesAnswerTask, ScenesGroundTask, ScenesMatchTask
from bmnas.tasks.task import Task
from bmnas.tasks.utd_mhad import UtdMhadTask
from bmnas.tasks.utd_transfer import UtdTransferTask

TASKS: Table[type[Task]] = Table(
    "task",
    [
        DigitsTask,
        UtdMhadTask,
        UtdTransferTask,
        AvDigitsTask,
        AvSumTask,
        AvSameTask,
        AvSpeakerTask,
        EmojiTask,
        MmimdbTask,
        NtuTask,
        EgoGestureTask,
        PlantedTask,
        ScenesAnswerTask,
        ScenesMatchTask,
        ScenesGroundTask,
        NlvrTask,
        VqaTask,
        RefcocoTask,
        FlickrTask,
    ],
)


def get_task(
    name: str,
    *,
    data: Path | None = None,
    modalities: Sequence[str] | None = None,
    weights: Mapping[str, Path] | None = None,
) -> Task:
    """The task of that name, in a Python file, or in a folder of arrays.

    Args:
        name: of a task that comes with the package, and after a colon its options that are not as usual (see
            `Task.Options`): ``"utd-transfer:half=1,left_out=3"``; or the path of your own ``.py`` file, which is run
            and has a `Task` named ``task``; or the path of a folder of arrays.
        data: the folder of the data, where a task needs it.
        modalities: those that are wanted; all if left out.
        weights: by modality, trained weights of backbones, see `Task.with_weights`.
    Raises:
        BmnasError: there is none of that name; the message names the nearest one. Or its options or its data cannot be
            used.
    """
    task = _found(name, data)
    task.invocation = f"--task {shlex.quote(_text(name))}"
    if data is not None:
        task.invocation += f" --data {shlex.quote(_text(str(data)))}"
    if modalities is not None:
        task = task.with_modalities(modalities)
        task.invocation += f" --modalities {shlex.quote(','.join(task.modalities))}"
    if weights:
        task = task.with_weights(weights)
        for modality, path in task.weights.items():
            task.invocation += f" --backbone {shlex.quote(_text(f'{modality}={path}'))}"
    return task


def described_task(name: str) -> Task:
    """The task of that name, options included, for whoever asks for its features only: it needs no data.

    Raises:
        BmnasError: as `get_task`.
    """
    kind, options = _kind(name)
    return kind.described(**options) if kind else get_task(name)


def options_named(name: str) -> tuple[str, type[TaskOptions]]:
    """The name of a task without options, and the class of its options; one that is the user's own has none.

    Raises:
        BmnasError: as `get_task`.
    """
    kind, _ = _kind(name)
    return (kind.name, kind.Options) if kind else (get_task(name).name, TaskOptions)


def named_with(name: str, options: Mapping[str, Any]) -> str:
    """The name of a task with its options (see `Task.options`), as `get_task` takes it.

    Raises:
        BmnasError: there is no such task, or it has not these options.
    """
    kind = TASKS.find(name)
    written = kind.Options.chosen(name, options).written if kind.Options.model_fields else ""
    return f"{name}:{written}" if written else name


def _found(name: str, data: Path | None) -> Task:
    kind, options = _kind(name)
    if kind:
        return kind.open(data, **options)
    try:
        path = Path(name).expanduser()
        is_folder = path.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long, of no user, or with a zero byte in it
        raise BmnasError(f"{short(name)} is neither a task nor a path: {error}") from None
    if path.suffix == ".py":
        from bmnas.tasks.own_file import load_task

        return load_task(path, data)
    if is_folder:
        from bmnas.tasks.arrays import open_folder

        if data is not None:
            raise BmnasError(f"the folder of arrays {name} is the data; leave --data out")
        return open_folder(path)
    before = name.partition(":")[0]
    if before and before != name and Path(before).expanduser().exists():
        raise BmnasError(f"{before}: only tasks that come with the package have options after their name")
    if "/" in name or os.sep in name:
        raise BmnasError(f"{name}: no such task: there is neither a Python file nor a folder of that name")
    return TASKS.find(before).open(data)


def _kind(name: str) -> tuple[type[Task] | None, dict[str, Any]]:
    """The class and the options of a task that comes with the package; ``None`` for any other name.

    Raises:
        BmnasError: the task has not these options.
    """
    before, colon, text = name.partition(":")
    if before not in TASKS:
        return None, {}
    kind = TASKS[before]
    return kind, kind.Options.parsed(before, text).given if colon else {}


def _text(name: str) -> str:
    """A path as text that can be written into a file: bytes that are no Unicode are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()
