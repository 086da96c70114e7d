"""The tasks on which `benchmarks/evidence.py` shows whether a search pays, each with its folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from views import VIEWS

from bmnas.errors import BmnasError
from bmnas.tasks import Task, get_task
from bmnas.tasks.av_pairs import AvSameTask, AvSpeakerTask, AvSumTask
from bmnas.tasks.av_pairs.signals import FOLDS
from bmnas.tasks.av_pairs.task import AvPairsTask
from bmnas.tasks.utd_transfer import UtdTransferTask

_SUBJECTS = 8


@dataclass(frozen=True)
class Source:
    """Where a task comes from.

    Attributes:
        open: the task of a data folder, and of a fold from 0.
        folds: how many there are. No sample is for test in two of them.
        needs_data: whether there has to be a data folder.
    """

    open: Callable[[Path | None, int], Task]
    folds: int = 1
    needs_data: bool = True


def _views(name: str, data: Path | None, fold: int) -> Task:
    return VIEWS[name](data).task()


def _own(name: str, data: Path | None, fold: int) -> Task:
    return get_task(name)


def _of_folder(name: str, data: Path | None, fold: int) -> Task:
    return get_task(name, data=_needed(data))


def _utd_mhad(data: Path | None, fold: int) -> Task:
    return get_task("utd-mhad", data=_needed(data) / "UTD-MHAD", modalities=["Skeleton", "Inertial"])


def _pairs(kind: Callable[[Path, int], AvPairsTask], data: Path | None, fold: int) -> Task:
    return kind(_needed(data), fold)


def _utd_transfer(data: Path | None, fold: int) -> Task:
    """Half and subject change by turns, so that the first few folds have several people of either half."""
    left_out, half = divmod(fold, 2)
    return UtdTransferTask(_needed(data) / "UTD-MHAD", half=half, left_out=left_out + 1)


def _needed(data: Path | None) -> Path:
    if data is None:
        raise BmnasError("this task needs --data DIR, the folder of its data")
    return data


SOURCES: dict[str, Source] = {
    "digit-views": Source(partial(_views, "digit-views"), needs_data=False),
    "utd-statistics": Source(partial(_views, "utd-statistics")),
    "spoken-spectra": Source(partial(_views, "spoken-spectra")),
    "mnist-views": Source(partial(_views, "mnist-views")),
    "digits": Source(partial(_own, "digits"), needs_data=False),
    "planted": Source(partial(_own, "planted"), needs_data=False),
    "av-digits": Source(partial(_of_folder, "av-digits")),
    "av-sum": Source(partial(_pairs, AvSumTask), FOLDS),
    "av-same": Source(partial(_pairs, AvSameTask), FOLDS),
    "av-speaker": Source(partial(_pairs, AvSpeakerTask), FOLDS),
    "utd-mhad": Source(_utd_mhad),
    "utd-transfer": Source(_utd_transfer, 2 * _SUBJECTS),
    "emoji": Source(partial(_of_folder, "emoji")),
}
"""By name; the data folder holds UTD-MHAD, mnist, free-spoken-digit-dataset and emojitwo."""
