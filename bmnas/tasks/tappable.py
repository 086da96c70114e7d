"""What can be tapped in the backbones of a task."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch

from bmnas.errors import BmnasError, did_you_mean
from bmnas.fit.seeding import seeded
from bmnas.taps import NotTraceable, TapPlace, list_nodes, list_taps
from bmnas.tasks.loading import load
from bmnas.tasks.task import Task
from bmnas.tasks.tree import mapped


def tappable(task: Task, modality: str | None = None, *, nodes: bool = False) -> dict[str, list[TapPlace]]:
    """The places of each backbone (or of one) where a feature can be taken, seen on the first training sample.

    The backbones run on the CPU, with the weights that they begin with.

    Args:
        task: whose.
        modality: of one backbone; all if left out.
        nodes: whether the operations between modules are listed too, where torch.fx can trace the backbone.

    Raises:
        BmnasError: there is no such modality, the sample cannot be read, or a backbone cannot run on it.
    """
    if modality is not None and modality not in task.modalities:
        raise BmnasError(f"task {task.name} has no modality {modality!r}{did_you_mean(modality, task.modalities)}")
    if modality is not None:
        with suppress(BmnasError):  # taps that are wrong are no reason not to list what there is
            task = task.with_modalities([modality])  # the data of the others need not be there
    wanted = task.modalities if modality is None else (modality,)
    for name in wanted:
        if name in task.ready:
            raise BmnasError(f"the features of modality {name!r} of task {task.name} are ready: there is no backbone")
    sample = _sample(task)
    found = {}
    for name in wanted:
        if name not in sample:
            raise BmnasError(f"the samples of task {task.name} have no input {name!r}; they have {', '.join(sample)}")
        with seeded(0):
            module = task.build_backbone(name).cpu()
        # Twice, so that the axis of the batch is told from axes of length 1.
        inputs = mapped(lambda tensor: torch.cat([tensor, tensor]).cpu(), sample[name])
        try:
            found[name] = list_taps(module, inputs)
            if nodes:
                found[name] += list_nodes(module, inputs)
        except NotTraceable:
            pass  # then there are the modules alone
        except BmnasError as error:
            raise BmnasError(f"modality {name!r}: {error}") from error
    return found


def _sample(task: Task) -> Any:
    source = task.split("train")
    if len(source) == 0:
        raise BmnasError(f"the train split of task {task.name} is empty")
    loaded = next(load(source, 1, workers=0))
    if loaded.batch is None:
        raise BmnasError(f"sample 0 of the train split of task {task.name}: {loaded.bad[0].why}")
    return loaded.batch.inputs
