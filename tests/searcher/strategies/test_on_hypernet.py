"""Algorithm 1: what each kind of step may touch, and with which optimiser."""

from __future__ import annotations

import copy

import pytest
import torch

from bmnas.compiler import pool
from bmnas.compiler.layers import BatchNorm
from bmnas.searcher import EpochDone
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies import Bilevel, strategy_of
from bmnas.tasks import Data, get_task, prepare
from tests.searcher.small import CONFIG


@pytest.fixture
def make(cache):
    task = get_task("digits")
    store = prepare(task, length=4, pool=pool, cache=cache)
    return lambda **given: strategy_of(Problem.of(task, store, CONFIG.changed(**given), torch.device("cpu")))


def run(events):
    return list(events)


def next_epoch(search):
    return next(event for event in search.events() if isinstance(event, EpochDone))


def epochs(search):
    return [event for event in search.events() if isinstance(event, EpochDone)]


def architecture(search: Bilevel) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in search.hypernet.architecture()]


def others(search: Bilevel) -> dict[str, torch.Tensor]:
    state = {name: tensor.clone() for name, tensor in search.hypernet.state_dict().items()}
    return {name: tensor for name, tensor in state.items() if not name.startswith(("alpha", "beta", "gamma"))}


def nonsense(data: Data) -> Data:
    other = copy.copy(data)
    other._labels_R = torch.zeros_like(data._labels_R)
    return other


def test_weight_steps_change_the_weights_by_the_training_split_alone(make):
    one, two, three = make(), make(), make()
    before = architecture(one)
    two.validation, three.train = nonsense(two.validation), nonsense(three.train)
    for search in (one, two, three):
        run(search.fit.steps_of("weights"))
    assert all(map(torch.equal, architecture(one), before))
    assert all(map(torch.equal, others(one).values(), others(two).values()))
    assert not all(map(torch.equal, others(one).values(), others(three).values()))


def test_architecture_steps_change_alpha_beta_gamma_by_the_validation_split_alone(make):
    one, two, three = make(), make(), make()
    before = architecture(one)
    two.train, three.validation = nonsense(two.train), nonsense(three.validation)
    for search in (one, two, three):
        run(search.fit.steps_of("architecture"))
    assert not any(map(torch.equal, architecture(one), before))
    assert all(map(torch.equal, architecture(one), architecture(two)))
    assert not all(map(torch.equal, architecture(one), architecture(three)))


def test_an_epoch_lets_no_statistics_of_the_validation_split_in(make):
    one, two = make(), make()
    next_epoch(one)
    # Features of another scale have other statistics, whatever the gradients are.
    two.validation._rows_RW.mul_(100)
    next_epoch(two)
    statistics = [name for name in others(one) if "running" in name]
    assert statistics
    assert all(torch.equal(others(one)[name], others(two)[name]) for name in statistics)
    assert all(norm.momentum == 0.1 for norm in one.hypernet.modules() if isinstance(norm, BatchNorm))


def test_the_score_is_measured_in_eval_mode_and_changes_nothing(make):
    search = make()
    run(search.fit.steps_of("weights"))
    before = copy.deepcopy(search.hypernet.state_dict())
    search.hypernet.train()
    torch.manual_seed(0)
    first = search._scores()
    torch.manual_seed(1)  # dropout would answer differently
    assert search._scores() == first
    assert not search.hypernet.training
    assert all(map(torch.equal, search.hypernet.state_dict().values(), before.values()))


def test_the_optimisers_are_the_papers(make):
    search = make()
    arch, weights = (search.fit.phases[name].optimizer.param_groups[0] for name in ("architecture", "weights"))
    assert (arch["lr"], arch["betas"], arch["weight_decay"]) == (3e-4, (0.5, 0.999), 1e-3)
    assert (weights["lr"], weights["betas"], weights["weight_decay"]) == (CONFIG.lr, (0.9, 0.999), 1e-4)
    owned = {id(p) for group in (arch, weights) for p in group["params"]}
    assert owned == {id(parameter) for parameter in search.hypernet.parameters()}


def test_the_weights_learning_rate_is_annealed_to_its_least(make):
    rates = [event.lr for event in epochs(make())]
    cosine = [0.5 * (1 + torch.cos(torch.tensor(torch.pi * n / 3)).item()) for n in (1, 2, 3)]
    assert rates == pytest.approx([CONFIG.min_lr + (CONFIG.lr - CONFIG.min_lr) * c for c in cosine], rel=1e-3)


def test_state_is_all_there_is(make):
    one, two = make(), make()
    next_epoch(one)
    two.load_state(copy.deepcopy(one.state()))
    for a, b in zip(epochs(one), epochs(two), strict=True):
        assert (a.loss, a.arch_loss, a.score, a.genotype) == (b.loss, b.arch_loss, b.score, b.genotype)


def test_the_two_passes_of_the_official_protocol_share_what_they_can_and_change_nothing(make, monkeypatch):
    official = {"strategy": "released", "epochs": 1}
    shared = make(**official)
    scored = next_epoch(shared).score
    with monkeypatch.context() as patch:
        patch.setattr(Hypernet, "prepared", lambda self, features: features)
        apart = make(**official)
        assert next_epoch(apart).score == scored
    theirs = apart.hypernet.state_dict()
    for name, tensor in shared.hypernet.state_dict().items():
        if "running" in name:  # the batch's statistics are rounded before they are let in
            torch.testing.assert_close(tensor, theirs[name])
        else:
            assert torch.equal(tensor, theirs[name]), name


def test_a_hypernet_under_autocast_learns_nearly_the_same(make):
    plain, rounded = epochs(make()), epochs(make(amp=True))
    assert [event.loss for event in plain] != [event.loss for event in rounded]
    assert rounded[-1].loss == pytest.approx(plain[-1].loss, rel=0.1)
    assert rounded[-1].score == pytest.approx(plain[-1].score, abs=0.1)
