"""The hypernet that a search begins with."""

from __future__ import annotations

from bmnas.fit.seeding import seeded, stream
from bmnas.searcher.hypernet import Hypernet, HypernetSize, Relaxation, stacked
from bmnas.searcher.problem import Problem
from bmnas.searcher.settings import SearchSettings
from bmnas.searcher.strategies.hypernet_settings import HypernetSettings
from bmnas.tasks import Task


def new_hypernet(problem: Problem) -> Hypernet:
    """The hypernet of all seeds; each seed's part is the one that it has alone."""
    settings = problem.config.strategy
    relaxation = settings.relaxed() if isinstance(settings, HypernetSettings) else "split"
    singles = []
    for seed in problem.seeds:
        with seeded(stream(seed, "hypernet"), problem.device):
            singles.append(Hypernet(hypernet_size(problem.task, problem.config, relaxation)))
    if len(singles) == 1:
        return singles[0].to(problem.device)
    return stacked(singles).to(problem.device)


def hypernet_size(task: Task, config: SearchSettings, relaxation: Relaxation = "split") -> HypernetSize:
    """The hypernet of a task and settings."""
    return HypernetSize(
        features=task.features,
        operations=config.operations,
        cells=config.cells,
        steps=config.steps,
        cell_outputs=config.cell_outputs,
        channels=config.channels,
        length=config.length,
        dropout=config.dropout,
        outputs=task.outputs,
        relaxation=relaxation,
        cell_inputs=config.cell_inputs,
        step_inputs=config.step_inputs,
    )
