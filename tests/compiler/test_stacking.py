"""Networks as one module compute what each computes by itself, and come back as they went in."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from torch import nn

import bmnas
from bmnas.compiler import compile_genotype, pool
from bmnas.compiler.stacking import StackedNetworks
from bmnas.genotype import Genotype, extension, from_dict
from tests.compiler.test_network import inputs_of
from tests.genotype.test_schema import changed
from tests.profiles import examples
from tests.strategies import genotypes


def pooled(genotype: Genotype, seed: int) -> dict[str, torch.Tensor]:
    live, length = inputs_of(genotype, seed=seed), genotype.representation.length
    return {feature.name: pool(live[feature.name], feature.reshape, length).double() for feature in genotype.features}


def compared(genotype: Genotype, count: int = 3) -> None:
    """In eval mode, outputs; in train mode without dropout, outputs, gradients, and statistics."""
    networks = [compile_genotype(genotype).double() for _ in range(count)]
    stack = StackedNetworks(networks)
    for module in (module for each in (stack, *networks) for module in each.modules()):
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    given = [pooled(genotype, k) for k in range(count)]
    together = {name: torch.stack([each[name] for each in given]) for name in given[0]}
    for is_training in (False, True):
        stack.train(is_training)
        outputs = stack(together)
        singles = [network.train(is_training)(each) for network, each in zip(networks, given, strict=True)]
        torch.testing.assert_close(outputs, torch.stack(singles), rtol=1e-6, atol=1e-8)
    outputs.square().sum().backward() if outputs.requires_grad else None
    for single in singles:
        single.square().sum().backward() if single.requires_grad else None
    gradients = {name: parameter.grad for name, parameter in stack.named_parameters()}
    for k, network in enumerate(networks):
        for name, parameter in network.named_parameters():
            found = gradients.get(name)
            if parameter.grad is not None and found is not None:
                torch.testing.assert_close(found[k], parameter.grad, rtol=1e-5, atol=1e-7)
    for network, back in zip(networks, stack.networks(), strict=True):
        assert back.training and [p.requires_grad for p in back.parameters()] == [True] * len([*back.parameters()])
        for name, tensor in network.state_dict().items():
            torch.testing.assert_close(back.state_dict()[name], tensor, rtol=1e-6, atol=1e-8)


@given(genotypes())
@settings(max_examples=examples(40))
def test_any_genotype(genotype):
    compared(genotype)


def test_one_network_alone():
    compared(from_dict(changed()), count=1)


def test_operations_that_know_nothing_of_it(monkeypatch):
    monkeypatch.setattr(extension, "_registered", {})

    @bmnas.operation("Weighted")
    class Weighted(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.linear = nn.Conv1d(size.channels, size.channels, 1)

        def forward(self, x, y):
            return self.linear(x) + y

    compared(from_dict(changed(cells__0__steps__1__op="Weighted")))


def test_the_networks_that_were_given_stay_as_they_are():
    networks = [compile_genotype(from_dict(changed())) for _ in range(2)]
    before = [{name: tensor.clone() for name, tensor in network.state_dict().items()} for network in networks]
    stack = StackedNetworks(networks)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.add_(1)
        for network in stack.networks():
            for parameter in network.parameters():
                parameter.add_(1)
    assert stack.state_dict().keys() == networks[0].state_dict().keys()
    for network, state in zip(networks, before, strict=True):
        assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    with pytest.raises(KeyError):
        stack({})
