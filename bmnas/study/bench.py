"""What all rows of a study share: task, features, settings, seeds, and the folds that say when trainings end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.heads import Fold
from bmnas.searcher import SearchConfig, TrainConfig
from bmnas.searcher.meter import Report
from bmnas.searcher.problem import Problem
from bmnas.searcher.run.trial import cut_for
from bmnas.tasks import Extraction, FeatureStore, Task, groups_of

FOLDS = 3


@dataclass(frozen=True, eq=False)
class Bench:
    """Where the rows of a study are made. Use `Bench.of`.

    Attributes:
        problem: the anchored search, stated: task, features, and where networks begin.
        config: its settings, whose sizes and optimiser all rows have.
        train: the settings of trainings.
        seeds: each row is made with each of them.
        folds: of training + validation; they say when each row's trainings end, and how sure its networks are.
        folder: of the study.
        extraction: how features are extracted.
        cache: of backbones and features.
        report: called with events.
    """

    problem: Problem
    config: SearchConfig
    train: TrainConfig
    seeds: tuple[int, ...]
    folds: Sequence[Fold]
    folder: Path
    extraction: Extraction
    cache: Path | None
    report: Report

    @classmethod
    def of(
        cls,
        task: Task,
        store: FeatureStore,
        config: SearchConfig,
        train: TrainConfig,
        seeds: Sequence[int],
        *,
        device: torch.device,
        folder: Path,
        extraction: Extraction,
        cache: Path | None = None,
        report: Report = lambda event: None,
    ) -> Bench:
        """State the search, and cut the folds.

        Raises:
            BmnasError: with these settings there is nothing to find, or a split is too small.
        """
        with undisturbed(), single_precision():
            problem = Problem.of(task, store, config, device, report)
        folds = cut_for(problem, FOLDS, seeds[0])
        return cls(problem, config, train, tuple(seeds), folds, folder, extraction, cache, report)

    @property
    def task(self) -> Task:
        """The task."""
        return self.problem.task

    @property
    def store(self) -> FeatureStore:
        """Its features."""
        return self.problem.store

    @property
    def device(self) -> torch.device:
        """Where networks are trained."""
        return self.problem.device

    @property
    def labels(self) -> Tensor:
        """Of the test samples."""
        return self.store.labels("test")

    @property
    def groups(self) -> Tensor | None:
        """Of the test samples, (N,); ``None`` where they are independent."""
        return groups_of(self.task, self.store, "test")

    def with_seeds(self, seeds: Sequence[int]) -> Bench:
        """The same with other seeds."""
        return replace(self, seeds=tuple(seeds))

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the results, as JSON values."""
        return {
            **self.task.identity,
            "data": self.store.key,
            "search": self.config.model_dump(mode="json", exclude={"seed", "seeds"}),
            "train": self.train.model_dump(mode="json", exclude={"seed"}),
            "seeds": list(self.seeds),
        }
