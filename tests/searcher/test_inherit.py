"""A network with inherited weights computes what the hypernet does when it is certain of the same choices."""

from __future__ import annotations

from random import Random
from unittest import mock

import pytest
import torch

from bmnas.compiler import FusionNetwork
from bmnas.compiler.layers import BatchNorm
from bmnas.searcher.inherit import calibration_batches, inherited, inherited_score, recalibrate, validated
from tests.fit.test_memory import ERRORS
from tests.searcher.problems import certain, decided, problem


@pytest.mark.parametrize("seed", range(8))
def test_the_split_hypernet_computes_what_the_derived_network_will(seed):
    search = problem(relaxation="split", cells=3, outputs_per_cell=1 + seed % 4, derive="paper")
    hypernet = decided(search, seed)
    genotype = search.space.random(Random(seed))
    network = inherited(hypernet, genotype).eval()
    batch = search.validation.whole()
    features = {name: feature.unsqueeze(0) for name, feature in batch.features.items()}
    with torch.no_grad():
        ours, theirs = network(batch.features), hypernet(features, certain(search, genotype))[0]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_weights_are_copies():
    search = problem()
    hypernet = decided(search)
    network = inherited(hypernet, search.space.random(0))
    before = {name: tensor.clone() for name, tensor in hypernet.state_dict().items()}
    for parameter in network.parameters():
        parameter.data.zero_()
    assert all(torch.equal(before[name], tensor) for name, tensor in hypernet.state_dict().items())


def test_statistics_are_measured_anew_and_nothing_else_changes():
    search = problem(dropout=0.5)
    network = inherited(decided(search), search.space.random(3))
    parameters = [parameter.clone() for parameter in network.parameters()]
    batches = calibration_batches(search)
    recalibrate(network, batches)
    assert all(map(torch.equal, network.parameters(), parameters))
    norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
    assert norms
    assert {norm.momentum for norm in norms} == {0.1}
    assert not network.training
    first = {name: buffer.clone() for name, buffer in network.named_buffers()}
    recalibrate(network, batches)  # no trace of what was there before
    for name, buffer in network.named_buffers():
        torch.testing.assert_close(buffer, first[name])


def test_the_score_is_that_of_the_network():
    search = problem()
    hypernet, genotype = decided(search), search.space.random(1)
    score = inherited_score(search, hypernet, genotype, calibration_batches(search))
    network = inherited(hypernet, genotype)
    recalibrate(network, calibration_batches(search))
    assert score == validated(network, search)


def test_where_memory_runs_out_the_parts_get_smaller(monkeypatch):
    search = problem()
    network, batches = inherited(decided(search), search.space.random(3)), calibration_batches(search)
    recalibrate(network, batches)
    score, forward, seen = validated(network, search), FusionNetwork.forward, []

    def failing(self, features):
        seen.append(len(next(iter(features.values()))))
        if seen[-1] > 8:
            raise ERRORS[0]
        return forward(self, features)

    monkeypatch.setattr(FusionNetwork, "forward", failing)
    assert validated(network, search) == score
    recalibrate(network, batches)
    assert seen[-2 * len(batches) :] == [8] * 2 * len(batches)
    monkeypatch.setattr(FusionNetwork, "forward", lambda self, features: (_ for _ in ()).throw(ERRORS[0]))
    with pytest.raises(type(ERRORS[0])):
        recalibrate(network, batches)


def test_a_last_batch_of_one_sample_is_not_measured_on():
    """It has no variance, and would count as much as a whole batch."""
    search = problem(batch_size=16)
    with mock.patch.object(type(search.train), "rows", lambda self, generator=None: torch.arange(33)):
        assert [len(batch) for batch in calibration_batches(search)] == [16, 16]
