"""Whether a store that is whole is one of a task: what its fingerprint promises is what a search can use."""

from __future__ import annotations

from bmnas.errors import short
from bmnas.tasks.store.manifest import StoreError
from bmnas.tasks.store.store import FeatureStore
from bmnas.tasks.task import SPLITS, Task


def refuse_unfit(store: FeatureStore, task: Task) -> None:
    """Refuse a store whose features or labels are not those that the task says, though its checksums are right.

    Raises:
        StoreError: features have other names or channels, or a label cannot be one.
    """
    if list(store.shapes) != [feature.name for feature in task.features]:
        raise StoreError(store.folder, "damaged", f"has the features {short(list(store.shapes))}, not the task's")
    for feature in task.features:
        shape = store.shapes[feature.name]
        if len(shape) not in (2, 3) or feature.channels not in (None, shape[0]):
            raise StoreError(
                store.folder, "damaged", f"has the feature {short(feature.name)} of shape {shape}, not the task's"
            )
    for split in SPLITS:
        labels = store.labels(split)
        cast = task.objective.cast(labels)
        wrong = task.objective.problem(cast, task.outputs)
        if wrong or labels.dtype != cast.dtype:
            what = wrong[1] if wrong else f"is {labels.dtype}, not {cast.dtype}"
            raise StoreError(store.folder, "damaged", f"has a label in the {split} split that {what}")
