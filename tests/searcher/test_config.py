"""Settings: defaults from the paper and from the task, and sentences for what makes no sense."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bmnas.errors import BmnasError
from bmnas.searcher import SearchConfig, TrainConfig
from bmnas.searcher.config import all_names, refuse_unknown_suggestions
from bmnas.tasks import get_task


def test_the_defaults_are_table_8s_first_row():
    config = SearchConfig()
    assert (config.channels, config.length, config.cells, config.steps) == (128, 8, 2, 2)
    assert (config.epochs, config.batch_size, config.dropout) == (30, 96, 0.2)
    assert (config.strategy.arch_lr, config.strategy.arch_weight_decay) == (3e-4, 1e-3)
    assert (config.lr, config.min_lr, config.weight_decay) == (1e-3, 1e-6, 1e-4)
    assert config.cell_outputs == 2


def test_a_task_suggests_and_the_user_decides():
    task = get_task("digits")
    suggested = SearchConfig.for_task(task, epochs=None)
    assert suggested.batch_size == task.settings["batch_size"]
    assert suggested.epochs == task.settings["epochs"]
    assert SearchConfig.for_task(task, epochs=3).epochs == 3
    assert TrainConfig.for_task(task).batch_size == task.settings["batch_size"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "setting epochs is 0: it should be greater than or equal to 1"),
        ({"lr": -1.0}, "setting lr is -1.0: it should be greater than 0"),
        ({"lr": float("nan")}, "setting lr is nan"),
        ({"min_lr": 0.1}, r"setting min_lr \(0.1\) is greater than lr \(0.001\)"),
        ({"batch_size": 1}, "setting batch_size is 1"),
        ({"outputs_per_cell": 5}, "outputs_per_cell is 5, but a cell with 2 steps has 4 nodes"),
        ({"operations": ("Sum", "Conact")}, "is 'Conact': it is not an operation; did you mean 'ConcatFC'"),
        ({"cell_inputs": 7}, "setting cell_inputs is 7: it should be less than or equal to 6"),
        ({"step_inputs": 1}, "setting step_inputs is 1: it should be greater than or equal to 2"),
        (
            {"step_inputs": 3},
            "the operation LinearGLU takes two inputs, but the steps of this search have 3; Zero, Sum, Attention, ",
        ),
        (
            {"cell_inputs": 3, "outputs_per_cell": 6},
            r"outputs_per_cell is 6, but a cell with 2 steps has 5 nodes \(x, y, z and the steps\)",
        ),
        ({"operations": ("Sum", "Sum")}, "operations names one twice"),
        ({"epoch": 3}, "there is no setting 'epoch'; did you mean 'epochs'"),
        ({"strategy": "simplex"}, "unknown strategy 'simplex'; known: 'bilevel', "),
        ({"select": "score"}, "unknown selection 'score'; did you mean 'scored'"),
        ({"budget_trainings": 3}, "budget_trainings is of the strategy random"),
        (
            {"top_k": 5, "select": "alpha"},
            "top_k is of the selection scored, which is not chosen here",
        ),
        ({"samples": 5, "strategy": "random"}, "samples is of the selection sampled, which is not chosen here"),
        (
            {"population": 4, "strategy": "random"},
            "population is of the strategy evolution",
        ),
        (
            {"cuda_graphs": True, "strategy": "gdas"},
            "cuda_graphs is of the strategy bilevel",
        ),
        ({"amp": True, "strategy": "random"}, "amp is of the strategy bilevel"),
    ],
)
def test_settings_that_make_no_sense(settings, sentence):
    with pytest.raises(BmnasError, match=sentence):
        SearchConfig.checked(**settings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"chanels": 3}, r"settings of task t has 'chanels', which is no setting of a task; did you mean 'channels'"),
        ({"epochs": 2, "Train_epoch": 3}, r"has 'Train_epoch', .*; did you mean 'train_epochs'"),
        ({"seed": 1}, r"has 'seed', which is no setting of a task"),
        ({7: 1}, r"has '?7'?, which is no setting of a task"),
    ],
)
def test_a_task_that_suggests_what_is_no_setting(settings, sentence):
    with pytest.raises(BmnasError, match=sentence):
        refuse_unknown_suggestions(SimpleNamespace(name="t", settings=settings))


def test_a_task_may_suggest_what_any_strategy_has():
    names = all_names(SearchConfig) | {"train_epochs"}
    assert {"top_k", "population", "restart_epochs", "select", "cells"} <= names
    refuse_unknown_suggestions(SimpleNamespace(name="t", settings=dict.fromkeys(names - {"seed", "seeds"})))


def test_what_a_task_suggests_counts_where_it_makes_a_difference():
    task = get_task("digits")
    task.settings = {**task.settings, "population": 5, "top_k": 2, "select": "alpha"}
    assert SearchConfig.for_task(task).strategy.select.kind == "alpha"
    assert SearchConfig.for_task(task, strategy="evolution").strategy.population == 5
    assert SearchConfig.for_task(task, select="scored").strategy.select.top_k == 2
