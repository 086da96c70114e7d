"""What a found network is compared with: the simplest ways of using the same features.

They are genotypes like any other, so they are compiled and trained by the same code. In the order from simple to less
simple: of equals the first is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bmnas.genotype import INPUT_NAMES, Feature, Genotype, Representation, dumps, from_dict, loads
from bmnas.genotype.names import fitting, joined
from bmnas.genotype.presets import concat_fc, heads, last_features, late_fusion
from bmnas.searcher.anchor import Anchor
from bmnas.searcher.problem import Problem
from bmnas.searcher.run.forms import AS_FOUND, WIDE, Form, can_be, in_form
from bmnas.searcher.run.layout import FOUND
from bmnas.searcher.settings import SearchSettings
from bmnas.tasks import Task

__all__ = ["FOUND", "Baseline", "baselines", "compared", "refuse_unwritable", "rows_of"]

# The layers that connect more are in more cells than a genotype may have.
_MOST_CONNECTED = 1024


@dataclass(frozen=True)
class Baseline:
    """One of them.

    Attributes:
        genotype: the network.
        training: settings of its training that differ from those of the others.
        fuses: whether it reads more than one modality, where there are several.
    """

    genotype: Genotype
    training: Mapping[str, Any] = field(default_factory=dict)
    fuses: bool = True


def is_heads(genotype: Genotype) -> bool:
    """Whether it is heads of features alone, which are fitted, in next to no time, and not trained."""
    return genotype.join == "sum" and not genotype.cells


def baselines(
    task: Task, config: SearchSettings, features: Sequence[Feature] | None = None, *, anchored: bool = False
) -> dict[str, Baseline]:
    """Row title -> baseline. The last feature of a modality is its deepest.

    Args:
        task: gives the head.
        config: gives the sizes.
        features: the task's, scaled; as they are if left out.
        anchored: whether the search adds to heads, so that these are baselines, too: of the last feature of a modality,
            of the last ones (each by itself: score fusion; and together), and of all.
    """
    features = tuple(features or task.features)
    last = last_features(features)
    frame = {"channels": config.channels, "length": config.length, "outputs": task.outputs, "dropout": config.dropout}

    def made(preset: Any, of: Sequence[Feature]) -> Genotype:
        genotype: Genotype = preset(of, **frame)
        return genotype.replace(name=joined([feature.name for feature in of]))

    alone = heads if anchored else late_fusion
    rows = {f"{feature.modality} alone": Baseline(made(alone, [feature]), fuses=len(last) == 1) for feature in last}
    if anchored and len(last) > 1:
        rows["score fusion"] = Baseline(made(heads, last), {"heads": "apart"})
        rows["linear, last features"] = Baseline(made(heads, last), {"heads": "joint"})
    if anchored and len(features) > len(last):
        rows["linear, all features"] = Baseline(made(heads, features), {"heads": "joint"})
    return {**rows, "late fusion": Baseline(made(late_fusion, last))}


def rows_of(problem: Problem) -> dict[str, Baseline]:
    """The baselines of a search."""
    rows = baselines(problem.task, problem.config, problem.features, anchored=problem.anchor is not None)
    rows = {name: replace(row, genotype=_repeated(row.genotype, problem.config)) for name, row in rows.items()}
    if problem.anchor is None:
        return rows
    if 1 < len(problem.features) <= _MOST_CONNECTED:
        rows["fully connected"] = _fully_connected(problem, problem.anchor)
        if can_be(rows["fully connected"].genotype, WIDE):
            wide = _concat_fc(problem, WIDE).replace(name="wide", members=problem.config.ensemble)
            rows["wide, all features"] = Baseline(wide)
    # The penalty that was chosen for the search's own heads is about right for all; of one head nothing else is open.
    l2 = problem.anchor.fit.l2
    return {
        name: replace(row, training={"heads": "joint", **row.training, "head_l2": l2})
        if is_heads(row.genotype)
        else row
        for name, row in rows.items()
    }


def compared(
    problem: Problem, found: Genotype, ends: Mapping[str, Mapping[str, Any]] | None = None, form: Form = AS_FOUND
) -> dict[str, Baseline]:
    """The baselines of a search, and what it has found, which is trained from where the search began.

    Args:
        problem: what was searched on.
        found: what was found.
        ends: by row, how its training ends, where a final choice has said so.
        form: of what was found, likewise.
    """
    found = in_form(found, form)
    begins = problem.anchor.training if problem.anchor and found.join == "sum" else {}
    rows = {**rows_of(problem), FOUND: Baseline(found, begins)}
    return {name: replace(row, training={**row.training, **(ends or {}).get(name, {})}) for name, row in rows.items()}


def _repeated(genotype: Genotype, config: SearchSettings) -> Genotype:
    """With as many members as the search's own networks, but for heads alone: each fit of them gives the same."""
    return genotype if is_heads(genotype) else genotype.replace(members=config.ensemble)


def _fully_connected(problem: Problem, anchor: Anchor) -> Baseline:
    """Where the search begins, and one fully connected layer on all features beside the heads.

    Where a cell cannot read all of them, it reads cells of such layers (`bmnas.genotype.presets.concat_fc`).
    """
    config = problem.config
    cells = _concat_fc(problem, Representation(channels=config.channels, length=config.length)).cells
    genotype = problem.genotype(cells, config.seed).replace(name="fully-connected")
    return Baseline(genotype.replace(output=(*anchor.names, cells[-1].name)), anchor.training)


def _concat_fc(problem: Problem, size: Representation) -> Genotype:
    frame = {"channels": size.channels, "length": size.length, "dropout": problem.config.dropout}
    return concat_fc(problem.features, outputs=problem.task.outputs, **frame)


def refuse_unwritable(task: Task, config: SearchSettings) -> None:
    """Refuse a search that would need a genotype that cannot be, or cannot be read back, before any training.

    Those are the baselines, and what the search finds: whatever that is, it has this task's features, these sizes, and
    operations of this pool.

    Raises:
        GenotypeError: names, sizes or options are none that a genotype can have; the sentence names the place.
    """
    for row, baseline in baselines(task, config).items():
        loads(dumps(baseline.genotype, partial=True), f"task {task.name[:100]}: the network of the row {row[:100]!r}")
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
