"""Gumbel samples: one-hot, with the softmax's gradient, of each seed its own, ever more certain."""

from __future__ import annotations

import pytest
import torch

from bmnas.searcher.strategies import strategy_of
from bmnas.searcher.strategies.gdas import drawn
from tests.searcher.problems import problem


def make(**settings):
    strategy = strategy_of(problem(strategy="gdas", **settings))
    for k, generator in enumerate(strategy.generators):
        generator.manual_seed(k)
    return strategy


def tensors(mixing):
    return [*mixing.cells, *(weights for row in mixing.steps for weights in row), mixing.operations]


@pytest.mark.parametrize("derive", ["paper", "official"])
def test_samples_are_one_hot_and_keep_to_the_rules(derive):
    strategy = make(derive=derive, seeds=2, steps=2)
    for _ in range(50):
        mixing = strategy._mixing("architecture")
        for weights in tensors(mixing):
            assert ((weights == 0) | (weights == 1)).all()
            assert (weights.sum(-1) == 1).all()
        for cell_KIE in mixing.cells:
            assert (cell_KIE.sum(1) <= 1).all()  # x and y differ
            if derive == "official":
                assert (cell_KIE[..., 5:] == 0).all()  # no cell is read
        repeats = [bool((step_KIE.sum(1) > 1).any()) for row in mixing.steps for step_KIE in row]
        assert derive == "paper" or not any(repeats)


def test_the_gradient_is_that_of_the_softmax():
    logits = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 5, dtype=torch.float64)
    (sampled,) = torch.autograd.grad((drawn(logits) * weights).sum(), logits)
    (soft,) = torch.autograd.grad((logits.softmax(-1) * weights).sum(), logits)
    assert torch.allclose(sampled, soft)
    assert soft.abs().max() > 0


def test_architecture_steps_reach_every_logit_and_weight_steps_none():
    strategy = make(cells=1)
    net = strategy.hypernet
    batch = next(strategy._whole_validation())
    strategy._loss(batch.whole, batch.labels(), strategy._mixing("architecture")).sum().backward()
    assert all((parameter.grad != 0).any() for parameter in net.architecture())
    assert not any(weights.requires_grad for weights in tensors(strategy._mixing("weights")))


def test_probable_alternatives_are_drawn_often():
    strategy = make()
    with torch.no_grad():
        strategy.hypernet.gamma_KNMP[..., 2] = 2.0
    drawn_NMP = torch.stack([strategy._mixing("weights").operations[0] for _ in range(600)]).mean(0)
    expected = torch.tensor([1.0, 1.0, torch.e**2, 1.0]) / (3 + torch.e**2)
    assert torch.allclose(drawn_NMP, expected.expand_as(drawn_NMP), atol=0.08)


def test_each_seed_draws_for_itself():
    both, second = make(seeds=2), make(seed=6)
    second.generators[0].manual_seed(1)
    mine, alone = both._mixing("weights"), second._mixing("weights")
    for weights, own in zip(tensors(mine), tensors(alone), strict=True):
        assert torch.equal(weights[1:], own)


def test_the_temperature_falls_from_ten_to_a_tenth():
    strategy = make(epochs=5)
    found = []
    for strategy.fit.epoch in range(5):
        found.append(strategy.temperature)
    assert found == pytest.approx([10, 7.525, 5.05, 2.575, 0.1])
    assert make(epochs=1).temperature == 10
