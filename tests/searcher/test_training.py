"""Training of one network: genotypes that do not fit a task, and the split of the batches."""

from __future__ import annotations

import json
import signal
import sys

import pytest
import torch

import bmnas
import bmnas.cli
from bmnas.errors import BmnasError
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.events import Pause
from bmnas.fit.order import batches
from bmnas.genotype import Genotype, from_dict
from bmnas.searcher.network_training import NetworkTraining, fitted
from bmnas.searcher.training import same_training, train_network
from bmnas.tasks import FeatureStore, get_task
from tests.processes import Forked, execute
from tests.searcher.problems import problem
from tests.searcher.small import TRAIN


def written(**changes: object) -> Genotype:
    data = {
        "name": "mine",
        "representation": {"channels": 6, "length": 4},
        "features": [{"name": "Top_3", "modality": "Top"}, {"name": "Bottom_3", "modality": "Bottom"}],
        "cells": [{"inputs": ["Top_3", "Bottom_3"], "steps": [{"op": "ConcatFC", "inputs": ["x", "y"]}]}],
        "head": {"outputs": 10},
    }
    return from_dict({**data, **changes})


def test_a_hand_written_genotype_is_trained_and_tested(cache):
    trained = bmnas.train(written(), "digits", TRAIN, device="cpu", cache=cache)
    assert trained.test > 0.5
    assert trained.network.genotype.feature("Top_3").channels == 64
    assert trained.parameters == sum(parameter.numel() for parameter in trained.network.parameters())
    again = bmnas.train(written(), "digits", TRAIN, device="cpu", cache=cache)
    assert again.test == trained.test


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (
            [{"name": "Top_4", "modality": "Top"}],
            r"features\[0\]\.name is 'Top_4', which task digits does not have; did you mean 'Top_\d'",
        ),
        ([{"name": "Top_3", "modality": "Tpo"}], "modality is 'Tpo', but Top_3 of task digits is of 'Top'"),
        ([{"name": "Top_3", "modality": "Top", "channels": 7}], r"channels is 7, but Top_3 of task digits has 64"),
        (
            [{"name": "Top_3", "modality": "Top", "reshape": "grid"}],
            "reshape is 'grid', but task digits keeps the feature as",
        ),
    ],
)
def test_features_that_are_not_the_tasks(features, sentence):
    genotype = written(features=features, cells=[], output=[features[0]["name"]])
    with pytest.raises(BmnasError, match=sentence):
        fitted(genotype, get_task("digits"))


def test_heads_that_are_not_the_tasks():
    with pytest.raises(BmnasError, match="head is missing, but task digits needs 10 outputs"):
        fitted(written(head=None), get_task("digits"))
    with pytest.raises(BmnasError, match="head has 60 outputs, but task digits needs 10 outputs"):
        fitted(written(head={"outputs": 60}), get_task("digits"))


def test_a_batch_of_one_sample_is_left_out():
    assert [len(part) for part in batches(torch.arange(9), 4)] == [4, 4]
    assert [len(part) for part in batches(torch.arange(10), 4)] == [4, 4, 2]
    assert [len(part) for part in batches(torch.arange(1), 4)] == [1]


def test_the_training_uses_training_and_validation_data_and_anneals(cache, monkeypatch):
    task = get_task("digits")
    seen, rates = [], []
    monkeypatch.setattr(
        task, "loss", lambda out, y: (seen.append(len(y)), torch.nn.functional.cross_entropy(out, y))[1]
    )
    step = torch.optim.Adam.step
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda self, *a: (rates.append(float(self.param_groups[0]["lr"])), step(self, *a))[1]
    )
    config = TRAIN.model_copy(update={"epochs": 1, "batch_size": 50, "min_lr": 1e-5})
    bmnas.train(written(), task, config, device="cpu", cache=cache)
    assert sum(seen) == 1078 + 360
    assert rates[0] == config.lr
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.02 * config.lr


def test_a_training_that_diverges_says_so(cache):
    config = TRAIN.model_copy(update={"lr": 1e30})
    with pytest.raises(
        BmnasError, match=r"the training of mine diverged: the loss is nan in epoch \d, at step \d; try a smaller lr"
    ):
        bmnas.train(written(), "digits", config, device="cpu", cache=cache)


@pytest.fixture
def stated():
    """A tiny task, its features, and one of its genotypes."""
    search = problem(dropout=0.3)
    return search.space.random(3), search.task, search.store, TRAIN.model_copy(update={"batch_size": 25, "epochs": 2})


def result(trained):
    return trained.test, {name: tensor.tolist() for name, tensor in trained.network.state_dict().items()}


@pytest.mark.parametrize("best_on_test", [False, True])
def test_a_training_that_is_stopped_at_any_step_ends_the_same(stated, tmp_path, best_on_test):
    """Two epochs of three steps; after each a pause, and one after each epoch."""
    where, how = torch.device("cpu"), {"best_on_test": best_on_test}
    whole = result(train_network(*stated, device=where, **how))
    for stop in range(1, 9):
        keeper = Keeper(tmp_path / f"{stop}.ckpt", same_training(*stated, **how))
        training, left = NetworkTraining(*stated, device=where, **how), stop
        for event in training.steps():
            left -= isinstance(event, Pause)
            if not left:
                break
        keeper.save(training)
        torch.rand(3)  # what happens in between does not matter
        assert result(train_network(*stated, device=where, keeper=keeper, **how)) == whole


def test_the_seconds_of_a_training_that_goes_on_are_those_of_both_parts(stated, monkeypatch):
    training, again = (NetworkTraining(*stated, device=torch.device("cpu")) for _ in range(2))
    monkeypatch.setattr(training._clock, "state", lambda: {"spent": 0.0, "seconds": 1000.0})
    again.load_state(training.state())
    for _ in again.steps():
        pass
    again.finished()
    assert 1000 < again.seconds < 2000


def test_what_decides_a_training_tells_one_from_another(stated):
    genotype, task, store, config = stated
    same = [
        same_training(*stated),
        same_training(*stated, best_on_test=True),
        same_training(genotype, task, store, config.model_copy(update={"lr": 0.5})),
        same_training(problem(dropout=0.3).space.random(4), task, store, config),
    ]
    assert len({json.dumps(each) for each in same}) == 4


def test_each_epoch_is_tested_only_where_that_is_asked_for(stated, monkeypatch):
    data, read = FeatureStore.data, []
    monkeypatch.setattr(
        FeatureStore, "data", lambda self, *names, **rest: (read.extend(names), data(self, *names, **rest))[1]
    )
    last = train_network(*stated, device=torch.device("cpu"))
    assert read.count("test") == 1
    best = train_network(*stated, device=torch.device("cpu"), best_on_test=True)
    assert read.count("test") == 1 + 2
    assert best.test >= last.test
    assert best.best_on_test


DYING = """
import os, signal
from bmnas.cli import main
from bmnas.fit.checkpoint import Keeper
save, saved, new = Keeper.save, [], Keeper.__init__
def hasty(self, path, of, **given):
    new(self, path, of, **{**given, "every": 1})
def dying(self, training):
    save(self, training)
    saved.append(training)
    if len(saved) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
Keeper.__init__, Keeper.save = hasty, dying
main()
"""


def test_a_command_that_is_killed_goes_on_and_ends_like_one_that_was_not(tmp_path, cache, monkeypatch):
    """Three steps an epoch and its end: it is killed after the first epoch."""
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()
        bmnas.save(written(dropout=0.3), tmp_path / name / "mine.json", partial=True)
    settings = ["--epochs", "2", "--batch-size", "600", "--lr", "0.01", "--cache", str(cache), "--device", "cpu"]
    process = Forked(execute, DYING, "train", str(tmp_path / "killed" / "mine.json"), *settings)
    _, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, err
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == ["mine.json", "mine.training.ckpt"]
    step, steps = torch.optim.Adam.step, []
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self, *given: (steps.append(1), step(self, *given))[1])
    for name in ("killed", "whole"):
        monkeypatch.setattr(sys, "argv", ["bmnas", "train", str(tmp_path / name / "mine.json"), *settings])
        with pytest.raises(SystemExit) as end:
            bmnas.cli.main()
        assert not end.value.code
    assert len(steps) == 3 + 6
    names = ["backbones", "mine.json", "mine.model.json", "mine.safetensors", "mine.scores.json"]
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == names
    weights = [(tmp_path / name / "mine.safetensors").read_bytes() for name in ("killed", "whole")]
    scores = [json.loads((tmp_path / name / "mine.scores.json").read_text())["scores"] for name in ("killed", "whole")]
    assert weights[0] == weights[1]
    assert scores[0] == scores[1]
