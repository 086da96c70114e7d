"""A folder of arrays as a task.

::

    DIR/Video_1.npy  DIR/Video_2.npy  DIR/more.npz  DIR/text.safetensors      one array a feature: (N, C) or (N, C, ...)
    DIR/Video_1.lengths.npy                                                   if its samples are padded: (N,) positions
    DIR/labels.npy                                                            or an array ``labels`` in a file
    DIR/splits.json  or  DIR/splits.npy                                       or an array ``splits`` in a file
    DIR/groups.json  or  DIR/groups.npy                                       if samples are of persons, sessions, ...
    DIR/task.json                                                             if there is something to say

Instead of splits there may be the folders ``train``, ``validation`` and ``test``, each with all features and labels.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from bmnas.errors import BmnasError, printable
from bmnas.tasks.arrays.description import FILE, Description, read_description
from bmnas.tasks.arrays.features import written
from bmnas.tasks.arrays.layouts import Found, find
from bmnas.tasks.arrays.task import ArrayTask
from bmnas.tasks.metrics import Average, Metric, f1

_F1: dict[str, Average] = {f"f1-{average}": average for average in get_args(Average)}


def open_folder(path: Path) -> ArrayTask:
    """The task that a folder of arrays is. Headers, labels and splits are read; features when they are wanted.

    Raises:
        BmnasError: the folder does not hold what it should; the message names the file.
    """
    path = Path(path)
    try:
        return _task(path, find(path), read_description(path))
    except BmnasError as error:
        raise BmnasError(printable(str(error))) from None


def _task(path: Path, found: Found, said: Description) -> ArrayTask:
    try:
        described = written(said.features, found.features, "describes")
    except BmnasError as error:
        raise BmnasError(f"{path / FILE}: {error}") from None
    metric: Metric | str | None = said.metric
    if said.threshold is not None and said.metric in _F1:
        metric = f1(_F1[said.metric], said.threshold)
    try:
        return ArrayTask(
            {name: found.features[name] for name in sorted(found.features, key=_natural)},
            found.labels,
            found.splits,
            name=said.name or path.resolve().name or "arrays",
            modalities={name: feature.modality for name, feature in described.items() if feature.modality},
            reshape={name: feature.reshape for name, feature in described.items()},
            lengths=found.lengths,
            groups=found.groups,
            outputs=said.outputs,
            class_names=said.class_names,
            objective=said.objective,
            metric=metric,
            settings=said.settings.model_dump(exclude_none=True),
            options=said.options,
        )
    except BmnasError as error:
        files = (
            found.labels.where,
            *([] if found.groups is None else [found.groups.where]),
            *(lengths.where for lengths in found.lengths.values()),
            *(part.where for rows in found.features.values() for part in rows.parts),
        )
        raise BmnasError(str(error) if str(error).startswith(files) else f"{path}: {error}") from None


def _natural(name: str) -> list[Any]:
    """Sorts ``Video_2`` before ``Video_10``."""
    parts = re.split(r"(\d+)", name)  # text and numbers in turn
    # A number by its digits: one of thousands would not become an integer.
    return [(len(part.lstrip("0")), part.lstrip("0")) if number % 2 else part for number, part in enumerate(parts)]
