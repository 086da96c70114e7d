"""Networks that add heads: what they compute, how they begin, and that scaling goes into the weights of an export."""

from __future__ import annotations

import pytest
import torch

import bmnas
from bmnas.compiler.layers import Scale
from bmnas.compiler.pooling import pool
from bmnas.compiler.source import to_source
from bmnas.genotype import from_dict
from tests.genotype.test_anchored import ANCHORED, FEATURES

SCALED = {**ANCHORED, "features": [{**feature, "scale": "each"} for feature in FEATURES]}


def network(data: dict[str, object] = SCALED, seed: int = 0) -> bmnas.FusionNetwork:
    """A network with random weights and statistics, in eval mode."""
    torch.manual_seed(seed)
    net = bmnas.compile(from_dict(data))
    for parameter in net.parameters():
        parameter.data = torch.randn_like(parameter)
    for module in net.modules():
        if isinstance(module, Scale):
            module.mean.normal_()
            module.std.uniform_(0.5, 2)
    return net.eval()


def inputs(length: int = 4, batch: int = 3) -> dict[str, torch.Tensor]:
    return {feature["name"]: torch.randn(batch, 3, length) for feature in FEATURES}


@pytest.mark.parametrize("length", [1, 4, 7])
def test_heads_of_features_read_them_as_they_come(length):
    net = network({**SCALED, "cells": [], "output": ["A_2", "B_1"]})
    features, expected = inputs(length), torch.zeros(3, 5)
    for name in ("A_2", "B_1"):
        scale, head = net.get_submodule(f"output.scales.{name}"), net.get_submodule(f"output.heads.{name}")
        pooled = pool(features[name], "sequence", 4)
        expected += ((pooled - scale.mean[:, None]) / scale.std[:, None]).mean(-1) @ head.weight.T + head.bias
    torch.testing.assert_close(net(features), expected, atol=1e-5, rtol=1e-4)


def test_cells_add_nothing_before_they_are_trained():
    torch.manual_seed(0)
    whole = bmnas.compile(from_dict(SCALED)).eval()
    alone = bmnas.compile(from_dict({**SCALED, "cells": [], "output": ["A_2", "B_1"]})).eval()
    alone.load_state_dict({name: tensor for name, tensor in whole.state_dict().items() if name in alone.state_dict()})
    features = inputs()
    torch.testing.assert_close(whole(features), alone(features))
    assert not whole.get_submodule("output.heads.Cell_1").weight.any()


@pytest.mark.parametrize("length", [1, 4, 7])
@pytest.mark.parametrize("dialect", ["official", "paper"])
def test_scaling_is_folded_into_the_first_layers(length, dialect):
    net = network({**SCALED, "dialect": dialect})
    faster = net.for_inference()
    assert not any(type(op.primitive).__name__ == "Scale" for op in faster.plan)
    features = inputs(length)
    torch.testing.assert_close(faster(features), net(features), atol=1e-4, rtol=1e-4)


def test_scaling_of_a_feature_without_a_reshape_layer_stays():
    features = [{**FEATURES[0], "channels": 4, "reshape": "none", "scale": "each"}, *SCALED["features"][1:]]
    net = network({**SCALED, "features": features})
    given = {**inputs(), "A_1": torch.randn(3, 4, 4)}
    torch.testing.assert_close(net.for_inference()(given), net(given), atol=1e-4, rtol=1e-4)
    assert any(type(op.primitive).__name__ == "Scale" for op in net.for_inference().plan)


def test_the_source_computes_the_same():
    net = network()
    made: dict[str, object] = {}
    exec(to_source(net.genotype), made)  # noqa: S102
    theirs = made["Network"]()
    theirs.load_state_dict(net.state_dict())
    features = inputs(7)
    torch.testing.assert_close(theirs.eval()(features), net(features), atol=1e-5, rtol=1e-4)
    assert not theirs.__class__().output.heads["Cell_1"].weight.any()


def test_a_feature_of_the_output_alone_has_no_reshape_layer():
    net = network()
    assert set(dict(net.get_submodule("reshapes").named_children())) == {"A_1", "B_1"}


def test_messages_name_the_head():
    net = network()
    state = {name: tensor for name, tensor in net.state_dict().items() if name != "output.heads.A_2.weight"}
    with pytest.raises(RuntimeError, match=r"output\.heads\.A_2\.weight"):
        net.load_state_dict(state)
