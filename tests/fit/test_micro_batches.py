"""Memory that runs out: smaller parts, the same gradient, nothing left of a try that failed."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from bmnas.compiler import FusionNetwork
from bmnas.compiler.layers import BatchNorm
from bmnas.fit.memory import OutOfMemory
from bmnas.fit.micro_batches import MicroBatches
from bmnas.searcher import MicroBatch, SearchConfig, TrainConfig, search, train
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.hypernet.network import Prepared
from bmnas.searcher.run.folder import RunFolder
from tests.fit.test_memory import ERRORS
from tests.searcher.small import CONFIG, TRAIN

CPU = torch.device("cpu")
SHORT = CONFIG.changed(epochs=2, cells=1, batch_size=200)


def limited(module: nn.Module, most: int, samples, error: BaseException = ERRORS[0]):
    """Let a module's forward pass fail above a number of samples, after it has run; returns what it was given."""
    seen = []
    forward = module.forward

    def failing(*given):
        seen.append(samples(*given))
        result = forward(*given)
        if seen[-1] > most:
            raise error
        return result

    module.forward = failing
    return seen


@given(count=st.integers(1, 40), size=st.integers(2, 50))
def test_parts_are_whole_small_and_not_single(count, size):
    micro = MicroBatches(nn.Identity(), CPU)
    micro.resume(size)
    parts = micro._parts(count)
    sizes = [part.stop - part.start for part in parts]
    assert [index for part in parts for index in range(count)[part]] == list(range(count))
    assert max(sizes) <= max(size, 3)
    assert min(sizes) >= min(2, count)
    assert max(sizes) - min(sizes) <= 1


@given(count=st.integers(2, 20), most=st.integers(2, 20), seeds=st.sampled_from([None, 1, 3]))
def test_the_gradient_is_that_of_the_whole_batch(count, most, seeds):
    torch.manual_seed(0)
    shape = (3, 4) if seeds is None else (seeds, 3, 4)
    weight = nn.Parameter(torch.randn(shape, dtype=torch.float64))
    inputs, labels = torch.randn(*shape[:-2], count, 3, dtype=torch.float64), torch.arange(count) % 4

    def loss(part, most=max(most, 3)):  # noqa: B008
        if part.stop - part.start > most:
            raise ERRORS[0]
        outputs = (inputs @ weight)[..., part, :]
        each = torch.nn.functional.cross_entropy(
            outputs.flatten(0, -2), labels[part].repeat(seeds or 1), reduction="none"
        )
        return each.reshape(outputs.shape[:-1]).mean(-1)

    want = loss(slice(0, count), count)
    want.sum().backward()
    expected, weight.grad = weight.grad, torch.ones_like(weight)
    micro = MicroBatches(nn.Identity(), CPU)
    got = micro.gradients([weight], loss, count)
    torch.testing.assert_close(weight.grad, expected)
    torch.testing.assert_close(got, want.detach())
    assert (micro.size is None) == (count <= max(most, 3))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(BatchNorm(3), nn.Flatten(), nn.Linear(15, 4)).double()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_failed_try_leaves_nothing(error):
    """It has run before it fails, so the running statistics had moved; the retries count as if they came first."""
    x = torch.randn(8, 5, 3, dtype=torch.float64)
    one, two = network(), network()
    for net in (one, two):
        net(x[:2])
    limited(one, 4, len, error)
    micro = MicroBatches(one, CPU)
    got = micro.gradients(list(one.parameters()), lambda part: one(x[part]).square().mean(), 8)
    assert micro.size == 4
    losses = [two(x[:4]).square().mean() / 2, two(x[4:]).square().mean() / 2]
    sum(losses).backward()
    torch.testing.assert_close(got, sum(losses).detach())
    for mine, its in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, its.grad)
    for mine, its in zip(one.buffers(), two.buffers(), strict=True):
        torch.testing.assert_close(mine, its)


def test_where_not_even_two_samples_fit_the_network_is_as_it_was():
    net, x = network(), torch.randn(8, 5, 3, dtype=torch.float64)
    net(x)
    before = copy.deepcopy(net.state_dict())
    seen = limited(net, 1, len)
    micro = MicroBatches(net, CPU)
    with pytest.raises(OutOfMemory, match=r"^memory ran out on cpu with 2 samples at once; use fewer channels, cells"):
        micro.gradients(list(net.parameters()), lambda part: net(x[part]).square().mean(), 8)
    assert seen == [8, 4, 2]
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_other_errors_are_not_taken_for_it():
    micro = MicroBatches(nn.Identity(), CPU)
    with pytest.raises(RuntimeError, match="shapes"):
        micro.outputs(lambda part: (_ for _ in ()).throw(RuntimeError("shapes do not fit")), 8, 0)
    assert micro.size is None


def test_outputs_come_together_in_order():
    x = torch.arange(20).reshape(2, 10)
    micro = MicroBatches(nn.Identity(), CPU)
    micro.resume(3)
    assert torch.equal(micro.outputs(lambda part: x[:, part], 10, 1), x)


def test_it_is_said_once():
    micro = MicroBatches(nn.Identity(), CPU)
    assert not list(micro.news())
    weight = nn.Parameter(torch.zeros(8))

    def loss(part):
        if part.stop - part.start > 2:
            raise ERRORS[0]
        return weight[part].mean()

    micro.gradients([weight], loss, 8)
    assert list(micro.news()) == [MicroBatch(samples=2, batch=8)]
    micro.gradients([weight], loss, 8)
    assert not list(micro.news())
    again = MicroBatches(nn.Identity(), CPU)
    again.resume(2)
    assert not list(again.news())


@pytest.fixture
def run(cache):
    return partial(search, "digits", device="cpu", cache=cache, evaluate=False)


@pytest.fixture
def little_memory(monkeypatch):
    """At most 60 samples fit into a hypernet at once."""
    forward, seen = Hypernet.forward, []

    def failing(self, features, *rest):
        given = features.features if isinstance(features, Prepared) else features
        seen.append(next(iter(given.values())).shape[1])
        if seen[-1] > 60:
            raise ERRORS[0]
        return forward(self, features, *rest)

    monkeypatch.setattr(Hypernet, "forward", failing)
    return seen


@pytest.mark.parametrize("strategy", ["bilevel", "released"])
@pytest.mark.parametrize("seeds", [1, 2])
def test_a_search_goes_on_with_smaller_parts_and_remembers_it(
    run, tmp_path, monkeypatch, little_memory, strategy, seeds
):
    config = SHORT.changed(strategy=strategy, select="alpha", seeds=seeds)
    told = []
    whole = run(config, folder=tmp_path / "whole", report=told.append)
    assert [event for event in told if isinstance(event, MicroBatch)] == [MicroBatch(samples=50, batch=200)]
    assert little_memory[:3] == [200, 100, 50]
    assert max(little_memory[2:]) <= 60

    # Killed in the first epoch, and gone on: the size is known.
    save, saved = RunFolder.save_checkpoint, []

    def dying(self, state):
        save(self, state)
        saved.append(state)
        if len(saved) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_checkpoint", dying)
        with pytest.raises(KeyboardInterrupt):
            run(config, folder=tmp_path / "run", checkpoint_every=1)
    little_memory.clear()
    resumed = run(config, folder=tmp_path / "run")
    assert max(little_memory) <= 60
    for one, two in zip(whole.history, resumed.history, strict=True):
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_a_divided_batch_trains_about_as_well(run, tmp_path, little_memory):
    config = SHORT.model_copy(update={"dropout": 0.0})
    divided = run(config, folder=tmp_path / "divided")
    assert divided.history[-1]["loss"] < divided.history[0]["loss"]
    assert divided.history[-1]["score"] > 0.5


def test_parts_of_a_batch_have_noise_of_their_own_and_one_mixture(run, tmp_path, monkeypatch):
    """Every part of a step gets the alternatives that were drawn for the step."""
    forward, drawn, noise = Hypernet.forward, [], []

    def failing(self, features, mixing=None):
        samples = next(iter(features.values())).shape[1]
        if samples > 120:
            raise ERRORS[0]
        if self.training and samples != 78:  # the last batch of the training split is whole
            drawn.append(mixing.operations.argmax(-1).tolist())
            noise.append(torch.initial_seed())
        return forward(self, features, mixing)

    monkeypatch.setattr(Hypernet, "forward", failing)
    config = SearchConfig(**{**SHORT.model_dump(), "strategy": "gdas", "epochs": 1})
    run(config, folder=tmp_path / "run")
    assert drawn[0::2] == drawn[1::2]
    assert len({str(ops) for ops in drawn}) > 1
    assert len(set(noise)) == len(noise)


def test_a_search_gives_up_in_a_sentence(run, tmp_path, monkeypatch):
    def failing(self, features, *rest):
        raise ERRORS[1]

    monkeypatch.setattr(Hypernet, "forward", failing)
    with pytest.raises(
        OutOfMemory, match=r"^memory ran out on cpu with 3 samples at once; use fewer channels, cells, "
    ):
        run(SHORT, folder=tmp_path / "run")


def test_a_training_goes_on_with_smaller_parts(run, tmp_path, cache, monkeypatch):
    genotype = run(SHORT, folder=tmp_path / "run").genotype
    forward, seen = FusionNetwork.forward, []

    def failing(self, features):
        seen.append(len(next(iter(features.values()))))
        if seen[-1] > 60:
            raise ERRORS[0]
        return forward(self, features)

    monkeypatch.setattr(FusionNetwork, "forward", failing)
    told = []
    config = TrainConfig(**{**TRAIN.model_dump(), "epochs": 3})
    found = train(genotype, "digits", config, device="cpu", cache=cache, report=told.append)
    assert [event for event in told if isinstance(event, MicroBatch)] == [MicroBatch(samples=48, batch=96)]
    assert found.test > 0.5
    assert max(seen[2:]) <= 60
