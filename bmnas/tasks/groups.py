"""The groups of the samples that are in a feature store."""

from __future__ import annotations

from torch import Tensor

from bmnas.tasks.grouping import refuse_wrong
from bmnas.tasks.store import FeatureStore
from bmnas.tasks.task import SplitName, Task


def groups_of(task: Task, store: FeatureStore, split: SplitName) -> Tensor | None:
    """To which group each row of a split in the store belongs, (N,), or ``None`` where the samples are independent.

    Args:
        task: which the store was made for.
        store: of its features; samples may have been left out of it.
        split: which.

    Raises:
        BmnasError: the task does not give one whole number for each sample that it had.
    """
    groups = task.groups(split)
    if groups is None:
        return None
    refuse_wrong(groups, f"groups of the {split} split of task {task.name}", store.manifest.of(split)[0].consumed)
    return groups[store.kept(split)]
