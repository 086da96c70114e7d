"""Is there room for fusion? `diagnose` says it before a search."""

from __future__ import annotations

from pathlib import Path

import torch

from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.events import Event
from bmnas.fit.memory import enough_memory
from bmnas.searcher.api import extract, pick_device
from bmnas.searcher.config import SearchConfig
from bmnas.searcher.diagnosis import Diagnosis, diagnosis_of
from bmnas.searcher.run.rounds import Report
from bmnas.tasks import Extraction, Progress, Remark, Task, get_task


def diagnose(
    task: Task | str,
    length: int | None = None,
    *,
    extraction: Extraction | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    report: Report | None = None,
) -> Diagnosis:
    """Say, before anything is searched, whether there is room for fusion.

    Features are extracted as for `extract`. Linear heads are fitted to them, of each feature and of several, as score
    fusion and together, and a small nonlinear learner; which is better than which is judged on held-out samples (see
    `Diagnosis`), by the rules of `bmnas.searcher.diagnosis.verdicts`. What heads read is each feature's mean over its
    positions, every channel scaled to deviation 1. Of the test split, its size, the counts of its labels and its groups
    are read, nothing else.

    Args:
        task: a task or its name.
        length: L of the networks that will use the features; the one that suits the task where it is left out.
        extraction: as for `search`.
        device: as for `search`; heads are fitted there, too.
        cache: as for `search`.
        report: called with every event of the extraction, and with what is being fitted.

    Raises:
        BmnasError: the data cannot be used, or the cache cannot be written; or a split has nothing to learn from.
    """
    task = get_task(task) if isinstance(task, str) else task
    remarks: list[str] = []

    def told(event: Event | Progress | Remark) -> None:
        if isinstance(event, Remark):
            remarks.append(event.sentence)
        if report is not None:
            report(event)

    length = length or SearchConfig.for_task(task).length
    store = extract(task, length, extraction=extraction, device=device, cache=cache, report=told)
    where = pick_device(device)
    with undisturbed(), single_precision(), enough_memory(where, "another device may have more"):
        return diagnosis_of(task, store, length, where, remarks, told)
