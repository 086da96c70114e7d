"""Searches small enough for a test: synthetic features, and a hypernet whose choices are not nearly equal."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import torch

from bmnas.compiler import pool
from bmnas.genotype import Genotype
from bmnas.searcher import SearchConfig
from bmnas.searcher.hypernet import Hypernet, Mixing
from bmnas.searcher.hypernet.mixing import X, Y
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies.new_hypernet import new_hypernet
from bmnas.tasks import FeatureStore, Task, prepare
from bmnas.tasks.arrays import ArrayTask

NAMES = ("A_1", "A_2", "B_1", "B_2", "B_3")


@functools.cache
def task_and_store() -> tuple[Task, FeatureStore]:
    """Five random features of two modalities, three classes; 48, 24 and 12 samples."""
    generator = torch.Generator().manual_seed(0)
    features = {name: torch.randn(84, 5, 3, generator=generator) for name in NAMES}
    labels = torch.arange(84) % 3
    splits = ["train"] * 48 + ["validation"] * 24 + ["test"] * 12
    task = ArrayTask(features, labels, splits, name="random", modalities={name: name[0] for name in NAMES})
    return task, prepare(task, length=3, pool=pool, cache=Path(tempfile.mkdtemp()))


def problem(device: str = "cpu", **given: object) -> Problem:
    """A search on it."""
    task, store = task_and_store()
    settings = {
        "channels": 4,
        "length": 3,
        "cells": 2,
        "steps": 2,
        "batch_size": 16,
        "epochs": 2,
        "dropout": 0.1,
        "anchor": "none",
    }
    return Problem.of(task, store, SearchConfig.for_task(task, **{**settings, **given}), torch.device(device))


def decided(problem: Problem, seed: int = 0) -> Hypernet:
    """Its hypernet, with random logits and random running statistics."""
    hypernet = new_hypernet(problem)
    torch.manual_seed(seed)
    for parameter in hypernet.architecture():
        parameter.data = torch.randn_like(parameter)
    for name, buffer in hypernet.named_buffers():
        buffer.data = torch.rand_like(buffer) + 0.5 if name.endswith(("var", "std")) else torch.randn_like(buffer)
    return hypernet.eval()


def certain(problem: Problem, genotype: Genotype) -> Mixing:
    """Weights of the split relaxation that are certain of a genotype's choices."""
    config = problem.config
    upper = [*NAMES, *(cell.name for cell in genotype.cells)]
    cells, steps, operations = [], [], torch.zeros(1, config.cells, config.steps, len(config.operations))
    for n, cell in enumerate(genotype.cells):
        weights = torch.zeros(1, 2, len(NAMES) + n)
        weights[0, X, upper.index(cell.inputs[0])] = weights[0, Y, upper.index(cell.inputs[1])] = 1
        cells.append(weights)
        lower, own = ["x", "y", *(step.name for step in cell.steps)], []
        for m, step in enumerate(cell.steps):
            weights = torch.zeros(1, 2, 2 + m)
            weights[0, X, lower.index(step.inputs[0])] = weights[0, Y, lower.index(step.inputs[1])] = 1
            own.append(weights)
            operations[0, n, m, config.operations.index(step.op)] = 1
        steps.append(tuple(own))
    return Mixing(tuple(cells), tuple(steps), operations)
