"""Where anchored networks begin: scales are statistics, heads the solution, cells add nothing, all seeds the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bmnas import ArrayTask, compile as compile_genotype
from bmnas.compiler import pool
from bmnas.fit.linear import summed
from bmnas.genotype import from_dict
from bmnas.searcher import SearchConfig, TrainConfig
from bmnas.searcher.anchor import HeadData, begin, folds_of, groups_of, head_names, head_parameters
from bmnas.searcher.candidate import CandidateTraining
from bmnas.searcher.inherit import inherited
from bmnas.searcher.network_fit import learning
from bmnas.searcher.network_training import NetworkTraining
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies.new_hypernet import new_hypernet
from bmnas.tasks import FeatureStore, Task, get_task, prepare
from tests.searcher.problems import problem

CPU = torch.device("cpu")
ANCHORED = {"anchor": "last", "scale": "each"}
NOISE = 1.2


def clear_task(tmp_path, *, count: int = 120, **options: object) -> tuple[Task, FeatureStore]:
    """Two views that tell of the class additively, the second of a scale of its own."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, count)
    views = {
        "A": random.normal(0, 1, (3, 5))[labels] + random.normal(0, NOISE, (count, 5)),
        "B": 1000 + 50 * (random.normal(0, 1, (3, 4))[labels] + random.normal(0, NOISE, (count, 4))),
    }
    splits = ["train"] * (count // 2) + ["validation"] * (count // 4) + ["test"] * (count - count // 2 - count // 4)
    task = ArrayTask(views, labels, splits, name="clear", **options)
    return task, prepare(task, length=1, pool=pool, cache=tmp_path)


def test_statistics_are_those_of_all_samples_and_positions():
    given = problem()
    data = HeadData.of(given.train, given.task.features, 3)
    x = given.train.whole().features["B_2"].double()
    torch.testing.assert_close(data.mean["B_2"], x.mean((0, 2)))
    torch.testing.assert_close(data.var["B_2"], x.var((0, 2), unbiased=False))
    torch.testing.assert_close(data.pooled["B_2"], x.mean(2).float())


@pytest.mark.parametrize("kind", ["none", "one", "each"])
def test_scaled_features_have_the_deviation_that_their_kind_says(tmp_path, kind):
    task, store = clear_task(tmp_path)
    data = HeadData.of(store.data("train"), task.features, 1)
    (x,) = data.scaled(["B"], {"B": kind})
    if kind == "none":
        torch.testing.assert_close(x, store.split("train").features["B"].squeeze(-1))
    elif kind == "one":
        assert x.var(0, unbiased=False).mean().item() == pytest.approx(1, rel=1e-4)
    else:
        torch.testing.assert_close(x.var(0, unbiased=False), torch.ones(4), rtol=1e-4, atol=1e-4)
    if kind != "none":
        torch.testing.assert_close(x.mean(0), torch.zeros(4), atol=1e-4, rtol=0)


def test_a_constant_channel_is_left_at_zero(tmp_path):
    values = np.full((12, 3), 1e6, dtype=np.float32)
    values[:, 1] = np.arange(12)
    task = ArrayTask({"A": values, "B": values}, np.arange(12) % 2, ["train"] * 6 + ["validation"] * 3 + ["test"] * 3)
    store = prepare(task, length=1, pool=pool, cache=tmp_path)
    (x,) = HeadData.of(store.data("train"), task.features, 1).scaled(["A"], {"A": "each"})
    assert torch.equal(x[:, [0, 2]], torch.zeros(6, 2))


def test_a_network_begins_as_its_heads():
    given = problem(**ANCHORED)
    anchor = given.anchor
    assert anchor is not None and anchor.names == ("A_2", "B_3")
    network = compile_genotype(given.space.random(0)).eval()
    anchor.begin(network)
    assert head_names(network) == ["A_2", "B_3"]
    samples = given.train.whole()
    wanted = summed(anchor.heads, anchor.data.scaled(anchor.names, anchor.kinds))
    torch.testing.assert_close(network(samples.features), wanted, atol=1e-5, rtol=1e-4)


def test_a_hypernet_of_several_seeds_begins_as_its_heads():
    given = problem(**ANCHORED, seeds=2)
    anchor = given.anchor
    assert anchor is not None
    hypernet = new_hypernet(given).eval()
    samples = given.train.whole()
    features = {name: x.expand(2, *x.shape) for name, x in samples.features.items()}
    wanted = summed(anchor.heads, anchor.data.scaled(anchor.names, anchor.kinds))
    for outputs in (hypernet(features), hypernet.fuse(hypernet.reshape(features))):
        for outputs_B in outputs:
            torch.testing.assert_close(outputs_B, wanted, atol=1e-5, rtol=1e-4)


def test_a_hypernet_that_is_certain_is_the_network_with_its_weights():
    given = problem(**ANCHORED)
    hypernet = new_hypernet(given)
    torch.manual_seed(1)
    for parameter in hypernet.parameters():
        parameter.data = torch.randn_like(parameter)
    hypernet.eval()
    genotype = given.space.random(3)
    samples = given.validation.whole()
    from tests.searcher.problems import certain

    outputs = hypernet({name: x[None] for name, x in samples.features.items()}, certain(given, genotype))
    torch.testing.assert_close(outputs[0], inherited(hypernet, genotype).eval()(samples.features), atol=1e-4, rtol=1e-4)


def test_the_space_has_anchored_genotypes_alone():
    space = problem(**ANCHORED).space
    genotype = space.random(0)
    assert genotype.output == ("A_2", "B_3", "Cell_1", "Cell_2")
    assert genotype.join == "sum"
    assert {feature.scale for feature in genotype.features} == {"each"}
    assert space[space.index(genotype)].cells == genotype.cells
    assert genotype.replace(output=["Cell_1", "Cell_2"]) not in space
    assert genotype.replace(join="concat") not in space


def test_what_is_left_open_goes_by_held_out_samples(tmp_path):
    task, store = clear_task(tmp_path)
    config = SearchConfig.for_task(task, cells=1, channels=4)
    found = Problem.of(task, store, config, CPU).anchor
    assert found is not None
    losses = []
    for scale in ("none", "one", "each"):
        other = Problem.of(task, store, config.changed(scale=scale), CPU).anchor
        assert other is not None
        losses.append(other.fit.loss)
    assert found.fit.loss in losses and found.fit.loss < 0.5  # a guess has 1.1
    assert found.sentence().startswith("networks begin at the heads of A, B, ")


def test_heads_fitted_apart_stay_and_others_go_on_with_their_penalty():
    given = problem(**ANCHORED, heads="joint", head_l2=0.5)
    assert given.anchor is not None
    network = compile_genotype(given.space.random(0))
    cells, heads = learning(network, given.config, given.anchor.fit)
    assert heads["weight_decay"] == 0.5
    assert {id(each) for each in heads["params"]} == {id(each) for each in head_parameters(network)}
    apart = problem(**ANCHORED, heads="apart")
    assert apart.anchor is not None
    (only,) = learning(network, apart.config, apart.anchor.fit)
    assert len(only["params"]) == len(cells["params"])


def test_a_candidate_and_a_found_network_are_trained_from_there():
    given = problem(**ANCHORED, epochs=1)
    training = CandidateTraining(given, given.space.random(0), 0, 1)
    for _ in training.steps():
        pass
    assert 0 <= training.score <= 1


def test_heads_alone_are_fitted_and_not_trained(tmp_path):
    task, store = clear_task(tmp_path)
    genotype = from_dict(
        {
            "representation": {"channels": 4, "length": 1},
            "features": [{"name": name, "modality": name, "scale": "each"} for name in "AB"],
            "cells": [],
            "output": ["A", "B"],
            "join": "sum",
            "head": {"outputs": 3},
        }
    )
    training = NetworkTraining(genotype, task, store, TrainConfig(epochs=5, batch_size=8), device=CPU)
    assert not list(training.steps())
    outputs, labels = training.tested()
    assert task.metric.score(outputs, labels) > 0.8
    both = store.data("train", "validation").whole()
    data = HeadData.of(store.data("train", "validation"), task.features, 1)
    outputs = training.finished().eval()(both.features)
    assert F.cross_entropy(outputs, data.labels) < 0.5


def test_where_backbones_saw_the_training_split_validation_samples_alone_are_held_out(cache):
    task = get_task("digits")
    store = prepare(task, length=4, pool=pool, cache=cache)
    assert task.backbones_saw_training
    data = HeadData.of(store.data("train", "validation"), task.features, 4)
    held = torch.cat([held for _, held in folds_of(data, task, None, store.size("validation"))])
    assert held.sort().values.tolist() == list(range(store.size("train"), len(data.labels)))
    assert task.with_weights({"Top": None, "Bottom": None}).backbones_saw_training is False  # type: ignore[dict-item]


def test_groups_are_kept_together(tmp_path):
    count = 120
    task, store = clear_task(tmp_path, groups=np.arange(count) // 10)
    groups = groups_of(task, store, "train", "validation")
    assert groups is not None and len(groups) == 90
    data = HeadData.of(store.data("train", "validation"), task.features, 1)
    for fitted, held in folds_of(data, task, groups, 30):
        assert not set(groups[fitted].tolist()) & set(groups[held].tolist())


def test_begin_sets_scales_of_networks_without_heads():
    given = problem(scale="each")
    network = compile_genotype(given.space.random(0))
    data = HeadData.of(given.train, given.features, 3)
    begin(network, data, {feature.name: feature.scale for feature in given.features}, [])
    name = network.features[0]
    torch.testing.assert_close(network.get_submodule(f"reshapes.{name}.scale").mean, data.mean[name].float())
