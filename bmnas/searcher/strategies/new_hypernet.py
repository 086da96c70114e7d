"""The hypernet that a search begins with."""

from __future__ import annotations

import torch

from bmnas.compiler.passes import FOR_TRAINING, applied
from bmnas.compiler.summary import cost_of
from bmnas.fit.memory import memory_of, smallest_batch
from bmnas.fit.room import refuse_untrainable
from bmnas.fit.seeding import seeded, stream
from bmnas.genotype import Feature
from bmnas.searcher.hypernet import Hypernet, HypernetSize, Relaxation, stacked
from bmnas.searcher.hypernet.plan import relaxed
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
            singles.append(Hypernet(_size(problem, relaxation)))
    net = (singles[0] if len(singles) == 1 else stacked(singles)).to(problem.device)
    if problem.anchor:
        problem.anchor.begin(net)
    return net


def hypernet_size(task: Task, config: SearchSettings, relaxation: Relaxation = "split") -> HypernetSize:
    """The hypernet of a task and settings, in the paper's space."""
    return _sized(task.features, (), task, config, relaxation)


def refuse_large_hypernet(task: Task, config: SearchSettings, device: torch.device) -> None:
    """Refuse a search whose hypernet cannot fit into the device's memory, before anything is allocated.

    Searches without a hypernet are not looked at, nor are tasks that know their features only when these are extracted.

    Raises:
        BmnasError: it cannot.
    """
    settings = config.strategy
    if isinstance(settings, HypernetSettings) and all(feature.channels is not None for feature in task.features):
        plan = applied(relaxed(hypernet_size(task, config, settings.relaxed())), FOR_TRAINING)
        parameters, activations = (config.seeds * number for number in cost_of(plan))
        samples = smallest_batch(device, config.batch_size)
        refuse_untrainable("the hypernet", parameters, activations, samples, memory_of(device))


def _size(problem: Problem, relaxation: Relaxation) -> HypernetSize:
    names = problem.anchor.names if problem.anchor else ()
    return _sized(problem.features, names, problem.task, problem.config, relaxation)


def _sized(
    features: tuple[Feature, ...], anchor: tuple[str, ...], task: Task, config: SearchSettings, relaxation: Relaxation
) -> HypernetSize:
    return HypernetSize(
        features=features,
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
        anchor=anchor,
    )
