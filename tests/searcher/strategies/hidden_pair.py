"""A search for one pair among many features, in which training a candidate is looking up how good it is."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import torch

from bmnas.compiler import pool
from bmnas.genotype import Feature, Genotype
from bmnas.searcher import SearchConfig
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies import strategy_of
from bmnas.searcher.strategies.on_candidates import OnCandidates
from bmnas.tasks import FeatureStore, Task, prepare
from bmnas.tasks.arrays import ArrayTask

PAIR = {"A_4", "B_7"}


class LookedUp:
    """Stands for the training of a candidate: each feature of the pair is good, and each other one bad, a bit."""

    loss = 0.1

    def __init__(self, problem, genotype, seed, number):
        self.genotype, self.network = genotype, None
        self.score = 0.5 + 0.2 * len(PAIR & read(genotype)) - 0.04 * len(read(genotype) - PAIR)

    def steps(self):
        return iter(())


def read(genotype: Genotype) -> set[str]:
    """The features that cells read."""
    return {name for cell in genotype.cells for name in cell.inputs if not name.startswith("Cell")}


@functools.cache
def _task_and_store() -> tuple[Task, FeatureStore]:
    names = [f"{modality}_{n}" for modality in "AB" for n in range(1, 13)]
    features = {name: torch.randn(48, 2, generator=torch.Generator().manual_seed(0)) for name in names}
    splits = ["train"] * 24 + ["validation"] * 12 + ["test"] * 12
    modalities = {name: name[0] for name in names}
    task = ArrayTask(features, torch.arange(48) % 2, splits, name="pair", modalities=modalities)
    return task, prepare(task, length=1, pool=pool, cache=Path(tempfile.mkdtemp()))


def found_by(settings: dict[str, Any], seeds: int) -> tuple[int, int]:
    """With how many seeds the best candidate reads the pair alone: of the search, and of as many random candidates."""
    return _finds(settings, seeds, at_random=False), _finds(settings, seeds, at_random=True)


def _finds(settings: dict[str, Any], seeds: int, *, at_random: bool) -> int:
    task, store = _task_and_store()
    found = 0
    for seed in range(seeds):
        config = SearchConfig.for_task(task, channels=2, batch_size=8, anchor="none", seed=seed, **settings)
        strategy = strategy_of(Problem.of(task, store, config, torch.device("cpu")))
        assert isinstance(strategy, OnCandidates)
        if at_random:
            strategy._draw = strategy._any
        assert list(strategy.events())
        best = max(strategy.done, key=lambda scored: scored.score)
        found += read(best.genotype) == PAIR
    return found


def task_of(features: Sequence[Feature]) -> Task:
    """A task of which nothing is known but its features."""
    return cast(Task, SimpleNamespace(name="some", features=tuple(features), outputs=3))
