"""Training of one network: genotypes that do not fit a task, and the split of the batches."""

from __future__ import annotations

import pytest
import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.fit.order import batches
from bmnas.genotype import Genotype, from_dict
from bmnas.searcher.training import fitted
from bmnas.tasks import get_task
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
    with pytest.raises(BmnasError, match=r"diverged in step \d of epoch \d \(the loss became nan\); try a smaller lr"):
        bmnas.train(written(), "digits", config, device="cpu", cache=cache)
