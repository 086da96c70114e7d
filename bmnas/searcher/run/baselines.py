"""What a found network is compared with: each modality alone, and late fusion of the last features.

They are genotypes like any other, without cells, so they are compiled and trained by the same code.
"""

from __future__ import annotations

from typing import Any

from bmnas.genotype import INPUT_NAMES, Feature, Genotype, dumps, from_dict, loads
from bmnas.genotype.names import fitting, joined
from bmnas.genotype.presets import last_features, late_fusion
from bmnas.searcher.settings import SearchSettings
from bmnas.tasks import Task


def baselines(task: Task, config: SearchSettings) -> dict[str, Genotype]:
    """Row title -> genotype. The last feature of a modality is its deepest."""
    last = last_features(task.features)
    rows = {f"{feature.modality} alone": _concatenated([feature], task, config) for feature in last}
    return {**rows, "late fusion": _concatenated(list(last), task, config)}


def refuse_unwritable(task: Task, config: SearchSettings) -> None:
    """Refuse a search that would need a genotype that cannot be, or cannot be read back, before any training.

    Those are the baselines, and what the search finds: whatever that is, it has this task's features, these sizes, and
    operations of this pool.

    Raises:
        GenotypeError: names, sizes or options are none that a genotype can have; the sentence names the place.
    """
    for row, genotype in baselines(task, config).items():
        loads(dumps(genotype, partial=True), f"task {task.name[:100]}: the network of the row {row[:100]!r}")
    for op in config.operations:
        what = f"task {task.name[:100]}: a network that the search could find"
        loads(dumps(from_dict(_possible(task, config, op), what), partial=True), what)


def _possible(task: Task, config: SearchSettings, op: str) -> dict[str, Any]:
    """A genotype as large as one that is found, all of whose steps apply one operation."""
    names = [feature.name for feature in task.features]
    inner = INPUT_NAMES[: config.cell_inputs] * config.step_inputs
    step = {"op": op, "inputs": inner[: config.step_inputs]}
    return {
        "name": fitting(f"{task.name}-seed{config.seed}"),
        "representation": {"channels": config.channels, "length": config.length},
        "features": [feature.model_dump() for feature in task.features],
        "cells": [{"inputs": names[: config.cell_inputs], "steps": [step] * config.steps} for _ in range(config.cells)],
        "head": {"outputs": task.outputs},
        "dropout": config.dropout,
    }


def _concatenated(features: list[Feature], task: Task, config: SearchSettings) -> Genotype:
    frame = {"channels": config.channels, "length": config.length, "outputs": task.outputs, "dropout": config.dropout}
    return late_fusion(features, **frame).replace(name=joined([feature.name for feature in features]))
