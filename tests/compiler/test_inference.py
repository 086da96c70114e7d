"""The network for inference computes what the trained network does in eval mode."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.func import functional_call

from bmnas.compiler import FeatureError, compile_genotype
from bmnas.compiler.network import FusionNetwork
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, Operation, extension, from_dict, load
from tests.compiler.test_network import inputs_of
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import genotypes


def trained(genotype: Genotype, seed: int = 0) -> FusionNetwork:
    """A network whose every parameter and statistic is random, so that nothing folded can go unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    network = compile_genotype(genotype)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2, generator=generator)
            elif "norm" in name or name.split(".")[-2] in ("bn", "ln") or name.endswith("running_mean"):
                tensor.normal_(generator=generator)
    return network


@given(genotypes())
@settings(max_examples=examples(100))
def test_for_inference_is_the_network(genotype):
    network = trained(genotype).double().eval()
    features = {name: tensor.double() for name, tensor in inputs_of(genotype).items()}
    torch.testing.assert_close(network.for_inference()(features), network(features), rtol=1e-9, atol=1e-9)


@given(genotypes())
@settings(max_examples=examples(40))
def test_in_single_precision_too(genotype):
    network = trained(genotype).eval()
    features = inputs_of(genotype)
    expected = network(features)
    found = network.for_inference()(features)
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max().clamp(min=1)


def test_it_is_apart_from_the_network():
    network = trained(from_dict(SHORT)).eval()
    features = inputs_of(network.genotype)
    fast = network.for_inference()
    before = fast(features)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    torch.testing.assert_close(fast(features), before, rtol=0, atol=0)
    assert not list(fast.parameters())
    assert not fast.train().training


def test_it_can_be_copied_moved_saved_and_loaded():
    network = trained(from_dict(SHORT)).eval()
    features = inputs_of(network.genotype)
    fast = network.for_inference()
    before = fast(features)
    for other in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):  # noqa: S301
        torch.testing.assert_close(other(features), before, rtol=0, atol=0)
        other.load_state_dict({name: torch.zeros_like(tensor) for name, tensor in other.state_dict().items()})
        assert not other(features).any()
        torch.testing.assert_close(fast(features), before, rtol=0, atol=0)
    doubled = fast.double()({name: tensor.double() for name, tensor in features.items()})
    torch.testing.assert_close(doubled.float(), before, rtol=1e-4, atol=1e-5)


def test_tensors_and_modules_that_are_replaced_are_noticed():
    network = trained(from_dict(changed(head={"outputs": 3}))).eval()
    features = inputs_of(network.genotype)
    fast = network.for_inference()
    expected = fast(features)
    zeros = {name: torch.zeros_like(tensor) for name, tensor in fast.state_dict().items()}
    for _ in range(2):
        assert not functional_call(fast, zeros, (features,)).any()
        torch.testing.assert_close(fast(features), expected, rtol=0, atol=0)
    fast.load_state_dict(zeros, assign=True)
    assert not fast(features).any()
    network(features)
    network.output.head = torch.nn.Linear(128, 7)
    assert network(features).shape == (3, 7)
    with pytest.raises(
        BmnasError, match=r"output.head is a torch.nn.modules.linear.Linear, not what the genotype makes"
    ):
        network.for_inference()


def test_what_stands_behind_a_zero_is_not_computed():
    cell = {"inputs": ["Video_3", "Skeleton_4"], "steps": [{"op": "Zero", "inputs": ["x", "y"]}]}
    network = trained(from_dict(changed(cells=[cell]))).double().eval()
    features = {name: tensor.double() for name, tensor in inputs_of(network.genotype).items()}
    fast = network.for_inference()
    assert network.features == ("Video_3", "Skeleton_4")
    assert fast.features == ("Video_3",)
    torch.testing.assert_close(fast(features), network(features))


def test_features_are_checked():
    fast = compile_genotype(from_dict(SHORT)).for_inference()
    with pytest.raises(FeatureError, match="'Skeleton_4' is missing"):
        fast({"Video_3": torch.randn(2, 2048, 4)})


class Chosen(nn.Module):
    """An operation from outside the package whose first weights, a buffer and a parameter, are integers."""

    def __init__(self, size):
        super().__init__()
        self.register_buffer("order", torch.arange(size.channels).flip(0))
        self.shift = nn.Parameter(torch.ones(1, dtype=torch.int64), requires_grad=False)

    def forward(self, x, y):
        return x[:, self.order] * self.shift + y


def test_integers_of_a_registered_operation_are_not_the_type_of_the_weights(monkeypatch):
    monkeypatch.setattr(extension, "_registered", {})
    extension.register(Operation("Chosen", (2, 2), False, "", build=Chosen))
    cell = {"inputs": ["A", "B"], "steps": [{"op": "Chosen", "inputs": ["x", "y"]}]}
    unreshaped = [{"name": name, "modality": name, "channels": 16, "reshape": "none"} for name in ("A", "B")]
    content = changed(features=unreshaped, cells=[cell], dialect="paper", head={"outputs": 3})
    network = compile_genotype(from_dict(content)).eval()
    fast = network.for_inference()
    assert next(network.parameters()).dtype == next(fast.buffers()).dtype == torch.int64
    features = inputs_of(network.genotype)
    torch.testing.assert_close(fast(features), network(features))
    for each in (network, fast):
        with pytest.raises(FeatureError, match="'A' is float64, but the network's weights are float32"):
            each({name: tensor.double() for name, tensor in features.items()})


def test_a_network_can_be_copied_and_trained_apart():
    network = compile_genotype(from_dict(SHORT)).eval()
    features = inputs_of(network.genotype)
    expected = network(features)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):  # noqa: S301
        torch.testing.assert_close(other(features), expected)
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.zero_()
        assert not other(features).any()
        assert network(features).any()


def test_hooks_on_modules_with_weights_run():
    network = compile_genotype(from_dict(SHORT))
    seen = []
    network.get_submodule("cells.Cell_1.output.ln").register_forward_hook(lambda *a: seen.append(a[2].shape))
    network(inputs_of(network.genotype))
    assert seen == [(3, 4, 16)]


def test_torch_compile_takes_it():
    """With what traces it, but without the code generation, which takes a minute."""
    network = compile_genotype(load("ntu-2")).eval()
    features = {name: torch.randn(2, network.genotype.feature(name).channels, 8) for name in network.features}
    fast = torch.compile(network.for_inference(), backend="aot_eager", dynamic=False)
    with torch.no_grad():
        torch.testing.assert_close(fast(features), network(features), atol=1e-5, rtol=1e-5)
