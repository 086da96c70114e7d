"""Cells and steps of three inputs: what every strategy finds on three modalities."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from random import Random

import pytest
import torch

from bmnas.compiler import pool
from bmnas.genotype import Genotype
from bmnas.genotype.space import numbering
from bmnas.searcher import SearchConfig, TrainConfig, search
from bmnas.searcher.config import search_command
from bmnas.searcher.inherit import inherited
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies import strategy_of
from bmnas.searcher.strategies.random_ws import certain
from bmnas.tasks import FeatureStore, Task, get_task, prepare
from bmnas.tasks.arrays import ArrayTask
from tests.searcher.problems import decided
from tests.searcher.strategies.going_on import rounds, stopped_and_continued

NAMES = ("Image_1", "Image_2", "Audio_1", "Audio_2", "Text_1")
SETTINGS = {
    "anchor": "none",
    "select_budget": 0,
    "channels": 4,
    "length": 3,
    "cells": 2,
    "steps": 2,
    "cell_inputs": 3,
    "step_inputs": 3,
    "operations": ("Sum", "Attention", "ConcatFC"),
    "batch_size": 16,
    "epochs": 1,
}
SELECT = (
    {"select": "alpha", "epochs": 2},
    {"select": "scored", "top_k": 1},
    {"select": "perturbation"},
    {"select": "sampled", "samples": 3},
)


@functools.cache
def task_and_store() -> tuple[Task, FeatureStore]:
    """Five random features of three modalities, three classes; 48, 24 and 12 samples."""
    generator = torch.Generator().manual_seed(0)
    features = {name: torch.randn(84, 5, 3, generator=generator) for name in NAMES}
    splits = ["train"] * 48 + ["validation"] * 24 + ["test"] * 12
    modalities = {name: name.split("_")[0] for name in NAMES}
    task = ArrayTask(features, torch.arange(84) % 3, splits, name="three", modalities=modalities)
    return task, prepare(task, length=3, pool=pool, cache=Path(tempfile.mkdtemp()))


def problem(**given: object) -> Problem:
    task, store = task_and_store()
    return Problem.of(task, store, SearchConfig.for_task(task, **SETTINGS | given), torch.device("cpu"))


def check(stated: Problem, genotype: Genotype) -> None:
    """It is one of the space; a hypernet tells the order of a cell's inputs, which the space does not."""
    order = [*NAMES, *(cell.name for cell in genotype.cells)]
    assert all(len(cell.inputs) == stated.config.cell_inputs for cell in genotype.cells)
    assert all(len(step.inputs) == stated.config.step_inputs for cell in genotype.cells for step in cell.steps)
    cells = [cell.model_copy(update={"inputs": tuple(sorted(cell.inputs, key=order.index))}) for cell in genotype.cells]
    assert genotype.model_copy(update={"cells": tuple(cells)}) in stated.space


def check_all(stated: Problem) -> None:
    done = rounds(strategy_of(stated).events())
    assert len(done) >= 2
    for entry in done:
        check(stated, entry["genotype"])


@pytest.mark.parametrize("rule", ["paper", "official"])
@pytest.mark.parametrize(("read", "takes"), [(3, 3), (3, 2), (4, 3)])
@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_candidates(strategy, read, takes, rule):
    more = {"population": 2} if strategy == "evolution" else {}
    check_all(problem(strategy=strategy, derive=rule, cell_inputs=read, step_inputs=takes, budget_trainings=4, **more))


@pytest.mark.parametrize("rule", ["paper", "official"])
@pytest.mark.parametrize(
    ("strategy", "more"),
    [
        ("gdas", {"epochs": 2}),
        ("random-ws", {"samples": 3}),
        *(("bilevel", {"relaxation": name, **select}) for name in ("shared", "split") for select in SELECT),
    ],
)
def test_a_hypernet(strategy, more, rule):
    check_all(problem(strategy=strategy, derive=rule, steps=1, **more))


def test_a_hypernet_of_steps_with_more_inputs_than_their_cell():
    """What is left of x and y is read once more."""
    for relaxation in ("shared", "split"):
        check_all(problem(cell_inputs=2, steps=1, relaxation=relaxation, top_k=1))


@pytest.mark.parametrize("seed", range(4))
def test_a_hypernet_that_is_certain_computes_what_the_derived_network_will(seed):
    stated = problem(cells=3, outputs_per_cell=1 + seed)
    hypernet, space = decided(stated, seed), stated.space
    genotype = space.random(Random(seed))
    mixing = certain([numbering.unrank(space.sizes, space.index(genotype))], space.sizes, like=hypernet.gamma_KNMP)
    batch = stated.validation.whole()
    with torch.no_grad():
        theirs = hypernet({name: feature.unsqueeze(0) for name, feature in batch.features.items()}, mixing)[0]
        ours = inherited(hypernet, genotype).eval()(batch.features)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strategy", ["random", "bilevel"])
def test_one_that_is_stopped_goes_on(strategy):
    own = {"budget_trainings": 3} if strategy == "random" else {"select": "alpha", "epochs": 2}
    stated = problem(strategy=strategy, **own)
    assert stopped_and_continued(stated, lambda count: count % 5 == 0) == rounds(strategy_of(stated).events())


def test_from_the_features_to_the_scores(tmp_path):
    task, _ = task_and_store()
    config = SearchConfig.for_task(task, strategy="random", budget_trainings=2, **SETTINGS)
    train = TrainConfig.ending(task, config, epochs=1)
    result = search(task, config, train=train, folder=tmp_path / "run", cache=tmp_path / "cache", device="cpu")
    check(problem(), result.genotype)
    assert result.rows
    assert "--cell-inputs 3" in search_command(task, config)


def test_a_command_can_be_given_for_settings_that_suit_no_other_search():
    """Where what suits the task is refused without what is given beside it, all settings are named."""
    task = get_task("digits")
    task.settings = {**task.settings, "select": "alpha"}
    config = SearchConfig.for_task(task, strategy="random-ws", select="sampled")
    assert "--select sampled" in search_command(task, config)
    assert "--strategy random-ws" in search_command(task, config)
    task.settings = {**task.settings, "patience": 3}
    assert "None" not in search_command(task, SearchConfig.checked())
