"""Training of one network: genotypes that do not fit a task, and the split of the batches."""

from __future__ import annotations

import pytest
import torch

import bmnas
from bmnas.genotype import BmnasError, Genotype, from_dict
from bmnas.searcher.training import batches, fitted
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
            r"mine: features\[0\] is 'Top_4', which task digits does not have; did you mean 'Top_\d'",
        ),
        ([{"name": "Top_3", "modality": "Top", "channels": 7}], r"channels is 7, but Top_3 of digits has 64"),
        ([{"name": "Top_3", "modality": "Top", "reshape": "grid"}], "reshape is 'grid', but task digits keeps it as"),
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
