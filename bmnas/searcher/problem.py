"""What every strategy searches on: a task, its features, the settings, and the two splits that a search may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.genotype import Cell, Genotype, Head, Representation
from bmnas.genotype.space import OFFICIAL, PAPER, Space
from bmnas.searcher.derive import refuse_underivable
from bmnas.searcher.settings import SearchSettings
from bmnas.tasks import Data, FeatureStore, SplitName, Task

SEARCHED: tuple[SplitName, ...] = ("train", "validation")
"""The splits that a search sees."""


@dataclass(frozen=True)
class Problem:
    """A search, stated. The test split is not a part of it. Use `Problem.of`.

    Attributes:
        task: gives loss and metric, fitted to the training labels.
        store: the task's cached features.
        config: the settings.
        device: where networks are trained.
        train: the training split.
        validation: the validation split.
    """

    task: Task
    store: FeatureStore
    config: SearchSettings
    device: torch.device
    train: Data
    validation: Data

    @classmethod
    def of(cls, task: Task, store: FeatureStore, config: SearchSettings, device: torch.device) -> Problem:
        """Open the two splits; the features are moved to the device once, if they fit.

        Raises:
            BmnasError: the derivation could fail with these settings, or a split is too small to train on.
        """
        refuse_underivable(len(task.features), config.cells, config.derive)
        for feature in task.features:
            if feature.reshape == "none" and store.shapes[feature.name] != (config.channels, config.length):
                raise BmnasError(
                    f"feature {feature.name!r} has the reshape 'none' and the shape {store.shapes[feature.name]}, but "
                    f"a node of the search has {(config.channels, config.length)}: channels and length"
                )
        train, validation = (store.data(name, device=device) for name in ("train", "validation"))
        refuse_large_batch(task.name, {"train": len(train), "validation": len(validation)}, config.batch_size)
        return cls(task.fitted(train.labels), store, config, device, train, validation)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that are searched with: K independent searches."""
        return tuple(range(self.config.seed, self.config.seed + self.config.seeds))

    @property
    def space(self) -> Space:
        """All genotypes that may be found."""
        config = self.config
        return Space(
            features=self.task.features,
            cells=config.cells,
            steps=config.steps,
            operations=config.operations,
            rules=PAPER if config.derive == "paper" else OFFICIAL,
            representation=Representation(channels=config.channels, length=config.length),
            head=Head(outputs=self.task.outputs),
            dropout=config.dropout,
            outputs_per_cell=config.cell_outputs,
            cell_inputs=config.cell_inputs,
            step_inputs=config.step_inputs,
        )

    def genotype(self, cells: tuple[Cell, ...], seed: int) -> Genotype:
        """The genotype with these cells."""
        config = self.config
        return Genotype(
            name=f"{self.task.name}-seed{seed}",
            representation=Representation(channels=config.channels, length=config.length),
            features=self.task.features,
            cells=cells,
            output=tuple(cell.name for cell in cells),
            head=Head(outputs=self.task.outputs),
            dropout=config.dropout,
        )

    def score(self, outputs: Tensor, labels: Tensor | None = None) -> float:
        """The metric of outputs (N, outputs) on the validation split, in its own order or with labels."""
        return self.task.metric.score(outputs, self.validation.labels if labels is None else labels)

    def better(self, score: float, than: float | None, *, ties: bool = False) -> bool:
        """Whether a score beats another; ``ties`` counts an equal one as better."""
        if than is None or (ties and score == than):
            return True
        return score > than if self.task.metric.higher_is_better else score < than


def refuse_large_batch(task: str, sizes: Mapping[str, int], batch: int) -> None:
    """Refuse a batch that is larger than a split that a search goes through, or a split of one sample.

    Args:
        task: its name.
        sizes: samples of the splits, by name.
        batch: samples of a batch.

    Raises:
        BmnasError: it names the split, the two numbers and the option.
    """
    name, size = min(sizes.items(), key=lambda item: item[1])
    split = {"train": "training"}.get(name, name)
    if size < 2:
        raise BmnasError(f"the {split} split of task {task} has {size} samples; a search needs two")
    if size < batch:
        raise BmnasError(
            f"the {split} split of task {task} has {size} samples, fewer than a batch of {batch}; "
            f"--batch-size {size} is the largest that it allows"
        )
