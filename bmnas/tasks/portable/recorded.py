"""A task from its record: features, backbones and labels are known, but there are no samples."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn

from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.tasks.objective import OBJECTIVES, MultiLabel
from bmnas.tasks.portable.record import TaskRecord
from bmnas.tasks.registry import TASKS
from bmnas.tasks.task import SplitName, Task


class RecordedTask(Task):
    """What a record says of a task.

    Args:
        record: the record.
        owner: the task itself, where its backbones are a user's; one of the package's is found by its name.

    Attributes:
        record: as given.
    """

    def __init__(self, record: TaskRecord, owner: Task | None = None) -> None:
        self.record, self._owner = record, owner
        self.name, self.features, self.taps = record.task, record.features, MappingProxyType(record.where_tapped)
        self.ready = frozenset(modality for modality in record.modalities if modality not in record.backbones)
        self.outputs, self.class_names = record.outputs, record.class_names
        self.options, self.extraction_batch = MappingProxyType(record.options), record.batch
        if record.objective in OBJECTIVES:
            kind = OBJECTIVES[record.objective]
            self.objective = kind(threshold=record.threshold) if _has_threshold(record) else kind()

    def split(self, name: SplitName) -> NoReturn:
        """There are none."""
        raise BmnasError(f"there are no samples of task {self.name} here, only what a network needs of it")

    def build_backbone(self, modality: str) -> nn.Module:
        """As the task itself builds it.

        Raises:
            BmnasError: the task is a user's, and was not given; or its backbones need other options.
        """
        return self._own(modality).build_backbone(modality)

    def own_names(self, modality: str, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """As the task itself knows them."""
        return self._own(modality).own_names(modality, state)

    def _own(self, modality: str) -> Task:
        if self._owner is not None:
            return self._owner
        if self.name not in TASKS:
            said = f"{self.record.invocation or 'it was made in Python'}"
            raise BmnasError(
                f"the backbone {modality!r} is of the task {self.name!r}, which is not the package's; give the task: "
                f"--task, or load_model(..., task=...); {said}"
            )
        try:
            return TASKS[self.name].of_options(self.record.options)
        except (BmnasError, TypeError) as error:
            raise BmnasError(f"the options of task {self.name} are not those of this version: {error}") from None


def _has_threshold(record: TaskRecord) -> bool:
    return record.objective == MultiLabel.name and record.threshold is not None
