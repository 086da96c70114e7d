"""Is there room for fusion? `diagnose` says it before a search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.memory import enough_memory
from bmnas.searcher.api import extract, pick_device, task_of
from bmnas.searcher.config import SearchConfig
from bmnas.searcher.diagnosis import Diagnosis, diagnosis_of
from bmnas.searcher.meter import Listener, Report, Reporting, reporting
from bmnas.tasks import Extraction, Remark, Task


def diagnose(
    task: Task | str,
    length: int | None = None,
    *,
    extraction: Extraction | Mapping[str, Any] | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    report: Reporting = "auto",
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
        report: as for `search`, of the extraction and of what is being fitted.

    Raises:
        BmnasError: the data cannot be used, or the cache cannot be written; or a split has nothing to learn from.
    """
    task = task_of(task)
    length = length or SearchConfig.for_task(task).length
    with reporting(report) as told:
        noting = _Noting(told)
        store = extract(task, length, extraction=extraction, device=device, cache=cache, report=noting)
        where = pick_device(device)
        with undisturbed(), single_precision(), enough_memory(where, "another device may have more"):
            return diagnosis_of(task, store, length, where, noting.remarks, told)


class _Noting(Listener):
    """Passes events on, and keeps what is said of the features."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.remarks: list[str] = []

    def __call__(self, event: Any) -> None:
        if isinstance(event, Remark):
            self.remarks.append(event.sentence)
        self._report(event)
