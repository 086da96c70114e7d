"""What every strategy searches on: a task, its features, the settings, and the two splits that a search may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.genotype import Cell, Feature, Genotype, Head, Representation, dumps
from bmnas.genotype.canonical import hash_or_none
from bmnas.genotype.names import fitting
from bmnas.genotype.space import RULES, Space
from bmnas.searcher.anchor import Anchor, found_anchor
from bmnas.searcher.settings import SearchSettings
from bmnas.tasks import Data, FeatureStore, Report, SplitName, Task

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
        anchor: where networks begin; ``None`` in the paper's space.
    """

    task: Task
    store: FeatureStore
    config: SearchSettings
    device: torch.device
    train: Data
    validation: Data
    anchor: Anchor | None = None

    @classmethod
    def of(
        cls,
        task: Task,
        store: FeatureStore,
        config: SearchSettings,
        device: torch.device,
        report: Report = lambda event: None,
    ) -> Problem:
        """Open the two splits; the features are moved to the device once, if they fit.

        Args:
            task: what is searched for.
            store: its features.
            config: the settings.
            device: where networks are trained.
            report: called with what is being fitted.

        Raises:
            BmnasError: with these settings there is nothing to find, or a split is too small to train on.
        """
        refuse_unsearchable(task, config)
        for feature in task.features:
            if feature.reshape == "none" and store.shapes[feature.name] != (config.channels, config.length):
                raise BmnasError(
                    f"feature {feature.name!r} has the reshape 'none' and the shape {store.shapes[feature.name]}, but "
                    f"a node of the search has {(config.channels, config.length)}: channels and length"
                )
        train, validation = (store.data(name, device=device) for name in ("train", "validation"))
        refuse_large_batch(task.name, {"train": len(train), "validation": len(validation)}, config.batch_size)
        task = task.fitted(train.labels)
        anchor = None if config.anchor == "none" else found_anchor(task, store, config, device, report)
        return cls(task, store, config, device, train, validation, anchor)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that are searched with: K independent searches."""
        return tuple(range(self.config.seed, self.config.seed + self.config.seeds))

    @cached_property
    def space(self) -> Space:
        """All genotypes that may be found."""
        return space_of(self.task, self.config, self.features, self.anchor)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The task's features, scaled as is best here."""
        if self.anchor is None:
            kind = "none" if self.config.scale == "auto" else self.config.scale
            return tuple(feature.model_copy(update={"scale": kind}) for feature in self.task.features)
        kinds = self.anchor.kinds
        return tuple(feature.model_copy(update={"scale": kinds[feature.name]}) for feature in self.task.features)

    def genotype(self, cells: tuple[Cell, ...], seed: int) -> Genotype:
        """The genotype with these cells."""
        config = self.config
        return Genotype(
            name=fitting(f"{self.task.name}-seed{seed}"),
            representation=Representation(channels=config.channels, length=config.length),
            features=self.features,
            cells=cells,
            output=(*(self.anchor.names if self.anchor else ()), *(cell.name for cell in cells)),
            join="sum" if self.anchor else "concat",
            head=Head(outputs=self.task.outputs),
            dropout=config.dropout,
            members=config.ensemble,
        )

    def score(self, outputs: Tensor, labels: Tensor | None = None) -> float:
        """The metric of outputs (N, outputs) on the validation split, in its own order or with labels."""
        return self.task.metric.score(outputs, self.validation.labels if labels is None else labels)

    def better(self, score: float, than: float | None, *, ties: bool = False) -> bool:
        """Whether a score beats another; ``ties`` counts an equal one as better."""
        if than is None or (ties and score == than):
            return True
        return score > than if self.task.metric.higher_is_better else score < than

    def ranked(self, scored: Iterable[tuple[Genotype, float]]) -> list[tuple[Genotype, float]]:
        """Genotypes by their scores, the best first, of equal ones the first; of those that compute the same, one."""
        sign = -1 if self.task.metric.higher_is_better else 1
        found: dict[str, tuple[Genotype, float]] = {}
        for genotype, score in sorted(scored, key=lambda each: sign * each[1]):
            found.setdefault(hash_or_none(genotype) or dumps(genotype), (genotype, score))
        return list(found.values())


def space_of(
    task: Task, config: SearchSettings, features: Sequence[Feature] | None = None, anchor: Anchor | None = None
) -> Space:
    """All genotypes that a search on a task may find.

    Args:
        task: gives the features and the head.
        config: the settings.
        features: the task's, scaled; as they are if left out.
        anchor: where networks begin, if that is known yet.

    Raises:
        BmnasError: there are none.
    """
    head: Any = {"outputs": task.outputs}  # plain, so that the space says what is wrong with it
    return Space(
        features=tuple(features or task.features),
        anchor=anchor.names if anchor else (),
        cells=config.cells,
        steps=config.steps,
        operations=config.operations,
        rules=RULES[config.derive],
        representation=Representation(channels=config.channels, length=config.length),
        head=head,
        dropout=config.dropout,
        outputs_per_cell=config.cell_outputs,
        cell_inputs=config.cell_inputs,
        step_inputs=config.step_inputs,
    )


def refuse_unsearchable(task: Task, config: SearchSettings) -> None:
    """Refuse a search that has nothing to find, before backbones are trained and anything is written.

    Raises:
        BmnasError: the sentence names the feature or the setting.
    """
    _refuse_misfits(task.features, config.channels)
    _refuse_clashes([feature.name for feature in task.features], config.strategy.most_cells(config))
    config.strategy.check_features(task.features)
    if not config.strategy.own_space:
        _refuse_few_features(len(task.features), config)
        space_of(task, config)


def _refuse_few_features(features: int, config: SearchSettings) -> None:
    """Refuse more cells than the rules have something to read for."""
    most = RULES[config.derive].most_cells(features, config.cell_inputs)
    if most == 0:
        there = "is only 1 feature" if features == 1 else f"are only {features} features"
        raise BmnasError(f"a cell reads {config.cell_inputs} nodes, but there {there}")
    if most is not None and config.cells > most:
        raise BmnasError(
            f"the {config.derive} derivation gives every cell a feature that no earlier cell reads: {features} "
            f"features are enough for {most} cell{'s' if most > 1 else ''}, not for {config.cells}; use fewer cells, "
            "or the paper's derivation"
        )


def _refuse_clashes(features: Sequence[str], cells: int) -> None:
    """Refuse features that have the name of a cell."""
    for name in (f"Cell_{n}" for n in range(1, cells + 1)):
        if name in features:
            raise BmnasError(f"feature {name!r} has the name of a cell that a search derives; rename the feature")


def _refuse_misfits(features: Sequence[Feature], channels: int) -> None:
    """Refuse features that are used as they are but have other channels than a node."""
    for feature in features:
        if feature.reshape == "none" and feature.channels not in (None, channels):
            raise BmnasError(
                f"feature {feature.name!r} has {feature.channels} channels and the reshape 'none', so a search has "
                f"{feature.channels} channels, too, not {channels}; leave --channels out, or reshape it"
            )


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
