"""Weights of uniformly drawn genotypes are trained, and nothing is learnt about the architecture."""

from __future__ import annotations

from collections import Counter
from random import Random

import torch

from bmnas.fit.events import Pause
from bmnas.genotype.space import numbering
from bmnas.searcher.derive import derive
from bmnas.searcher.events import EpochDone
from bmnas.searcher.strategies import strategy_of
from bmnas.searcher.strategies.random_ws import certain
from tests.searcher.problems import problem


def make(**settings):
    return strategy_of(problem(strategy="random-ws", **{"samples": 2, **settings}))


def cells_of(mixing, strategy, k):
    return derive(mixing, k, strategy.problem.space)


def test_the_weights_are_certain_of_a_genotype():
    strategy = make(steps=2)
    space = strategy.problem.space
    genotypes = space.sample(Random(0), 40)
    choices = [numbering.unrank(space.sizes, space.index(genotype)) for genotype in genotypes]
    mixing = certain(choices, space.sizes, like=strategy.hypernet.gamma_KNMP)
    for k, genotype in enumerate(genotypes):
        assert cells_of(mixing, strategy, k) == genotype.cells


def test_every_step_and_seed_draws_another_genotype():
    strategy = make(seeds=2)
    drawn = []
    for event in strategy.events():
        if isinstance(event, EpochDone):
            break
        assert isinstance(event, Pause)
        mixing = strategy._mixing("weights")
        drawn += [cells_of(mixing, strategy, k) for k in range(2)]
    assert len(drawn) == 6
    assert len(Counter(map(repr, drawn))) > 4


def test_alpha_beta_and_gamma_stay():
    strategy = make()
    before = [parameter.detach().clone() for parameter in strategy.hypernet.architecture()]
    weights = [parameter.detach().clone() for parameter in strategy.hypernet.weights()]
    (epoch, *_) = [event for event in strategy.events() if isinstance(event, EpochDone)]
    assert epoch.arch_loss is None
    assert all(map(torch.equal, strategy.hypernet.architecture(), before))
    assert not all(map(torch.equal, strategy.hypernet.weights(), weights))


def test_a_step_leaves_the_weights_of_other_operations():
    """Adam moves what has a zero gradient, too, if only by momentum and decay: the first step shows the gradient."""
    strategy = make(cells=1, weight_decay=0.0)
    before = {name: tensor.clone() for name, tensor in strategy.hypernet.state_dict().items()}
    next(strategy.events())
    after = strategy.hypernet.state_dict()
    moved = {name for name in after if "cells.0.steps" in name and "running" not in name and "num_" not in name}
    moved = {name.split(".")[4] for name in moved if not torch.equal(before[name], after[name])}
    assert len(moved) <= 1
