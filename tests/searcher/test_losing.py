"""Trainings in which samples lose modalities."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch

import bmnas
from bmnas.compiler import pool
from bmnas.evaluation import Corruption
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.events import Pause
from bmnas.searcher import SearchConfig, TrainConfig
from bmnas.searcher.candidate import CandidateTraining
from bmnas.searcher.losing import losing
from bmnas.searcher.network_fit import outputs_on
from bmnas.searcher.network_training import NetworkTraining
from bmnas.searcher.run.outcome import save_outcome
from bmnas.searcher.strategies import strategy_of
from bmnas.searcher.training import same_training, train_network
from bmnas.tasks import prepare
from bmnas.tasks.arrays import ArrayTask
from bmnas.tasks.missing import averages
from tests.searcher.problems import problem
from tests.searcher.small import TRAIN

CPU = torch.device("cpu")
LOSING = TRAIN.model_copy(update={"batch_size": 25, "epochs": 2, "modality_dropout": 0.4})


@pytest.fixture
def stated():
    """A tiny task, its features, and one of its genotypes, which reads both modalities."""
    search = problem(dropout=0.3)
    return search.space.random(3), search.task, search.store, LOSING


def weights(network):
    return {name: tensor.tolist() for name, tensor in network.state_dict().items()}


def test_nothing_is_lost_unless_it_is_asked_for(stated):
    genotype, _, store, config = stated
    assert losing(genotype, store, config.model_copy(update={"modality_dropout": 0}), CPU, 0) is None
    alone = genotype.replace(cells=[], output=["A_1"])
    assert losing(alone, store, config, CPU, 0) is None, "a network of one modality has nothing that it could lose"


def test_a_training_that_is_stopped_at_any_step_ends_the_same(stated, tmp_path):
    whole = weights(train_network(*stated, device=CPU).network)
    for stop in range(1, 9):
        keeper = Keeper(tmp_path / f"{stop}.ckpt", same_training(*stated))
        training, left = NetworkTraining(*stated, device=CPU), stop
        for event in training.steps():
            left -= isinstance(event, Pause)
            if not left:
                break
        keeper.save(training)
        torch.rand(3)
        assert weights(train_network(*stated, device=CPU, keeper=keeper).network) == whole


def test_a_divided_batch_loses_the_same(stated, monkeypatch):
    """What reaches the network in the first step, whole and in parts."""
    seen = []

    def first_step(size):
        training = NetworkTraining(*stated, device=CPU)
        training.fit.micro.resume(size)
        seen.clear()
        training.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        next(iter(training.steps()))
        return {name: torch.cat([each[name] for each in seen]) for name in seen[0]}, len(seen)

    (whole, one), (parts, several) = first_step(None), first_step(8)
    assert (one, several) == (1, 4)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    mean = averages(stated[2].data("train"))["A_1"].mean
    lost = (whole["A_1"] == mean).flatten(1).all(1)
    assert 0 < lost.sum() < len(lost)


def test_outputs_have_all_that_samples_have(stated):
    """In eval mode nothing is lost, whatever the network was trained with."""
    training = NetworkTraining(*stated, device=CPU)
    data = stated[2].data("test", names=training.network.features)
    first, again = (outputs_on(training.network, data, size) for size in (12, 5))
    torch.testing.assert_close(first, again)
    training.network.eval()
    torch.testing.assert_close(first, training.network(data.whole().features))


def test_a_seed_of_a_search_of_several_loses_what_it_loses_alone():
    def batches(seed, seeds):
        strategy = strategy_of(problem(modality_dropout=0.5, seed=seed, seeds=seeds))
        return [batch.whole for batch in strategy._batches(strategy.train, "train", 1, 0)]

    def validation(p):
        strategy = strategy_of(problem(modality_dropout=p))
        return [batch.whole["A_1"] for batch in strategy._batches(strategy.validation, "validation", 1, 0)]

    both, alone = batches(0, 2), batches(1, 1)
    for pair, own in zip(both, alone, strict=True):
        assert all(torch.equal(pair[name][1], own[name][0]) for name in own)
    assert any(not torch.equal(pair["A_1"][0], pair["A_1"][1]) for pair in both)
    assert all(torch.equal(*pair) for pair in zip(validation(0.0), validation(0.5), strict=True))


def test_candidates_of_a_search_lose_modalities_too():
    def trained(p):
        search = problem(modality_dropout=p)
        candidate = CandidateTraining(search, search.space.random(3), 0, 1)
        for _ in candidate.steps():
            pass
        return weights(candidate.network)

    assert trained(0.5) == trained(0.5) != trained(0.0)


def test_what_stands_for_a_missing_modality_is_kept_beside_the_weights(stated, tmp_path):
    genotype, task, store, config = stated
    path = tmp_path / "genotype.json"
    kept = tmp_path / "genotype.averages.safetensors"
    trained = train_network(*stated, device=CPU)
    save_outcome(genotype, trained, task, config, path)
    found, expected = safetensors.torch.load_file(kept), averages(store.data("train"))
    assert all(torch.equal(found[name], expected[name].mean) for name in found) and found
    plain = config.model_copy(update={"modality_dropout": 0})
    save_outcome(genotype, train_network(genotype, task, store, plain, device=CPU), task, plain, path)
    assert not kept.exists(), "those of another training"


@pytest.fixture(scope="module")
def redundant(tmp_path_factory):
    """A task whose two modalities say the same, one of them much more clearly."""
    random = np.random.default_rng(0)
    labels = random.integers(3, size=600)
    features = {"Clear_1": 2.5 * np.eye(3)[labels], "Faint_1": 1.5 * np.eye(3)[labels]}
    features = {name: each + random.normal(size=each.shape) for name, each in features.items()}
    splits = ["train"] * 200 + ["validation"] * 100 + ["test"] * 300
    task = ArrayTask(features, labels, splits, name="redundant")
    return task, prepare(task, length=1, pool=pool, cache=tmp_path_factory.mktemp("redundant"))


@pytest.mark.parametrize("kind", ["network", "heads"])
def test_a_network_that_was_trained_so_suffers_less_from_a_missing_modality(redundant, kind):
    task, store = redundant
    names = ["Clear_1", "Faint_1"]
    content = {
        "representation": {"channels": 16, "length": 1},
        "features": [feature.model_dump() for feature in task.features],
        "head": {"outputs": 3},
        "cells": [{"inputs": names, "steps": [{"op": "ConcatFC", "inputs": ["x", "y"]}]}] if kind == "network" else [],
    }
    if kind == "heads":
        content |= {"join": "sum", "output": names}
    genotype = bmnas.from_dict(content)

    def accuracies(p):
        config = TrainConfig(epochs=40, batch_size=32, lr=1e-2, modality_dropout=p, heads="joint")
        network = train_network(genotype, task, store, config, device=CPU).network
        data = store.data("test")
        without = Corruption(drop=("Clear",)).of(
            data, averages(store.data("train")), {name: name[:-2] for name in names}
        )
        return [bmnas.evaluate(outputs_on(network, d, 64), data.labels)["accuracy"].value for d in (data, without)]

    (whole, missing), (whole_so, missing_so) = accuracies(0.0), accuracies(0.5)
    assert whole - missing > (whole_so - missing_so) + 0.03
    assert whole_so > whole - 0.05, "and has not forgotten what both say together"


def test_the_setting_is_refused_where_nothing_would_be_left():
    with pytest.raises(bmnas.BmnasError, match="setting modality_dropout is 1"):
        TrainConfig.checked(modality_dropout=1)
    assert TrainConfig().modality_dropout == SearchConfig().modality_dropout == 0
