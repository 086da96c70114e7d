"""The official dialect equals the authors' released code, to 1e-10 in float64."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

from bmnas.compiler import compile_genotype, frame
from bmnas.compiler.modules import BlockModule
from bmnas.compiler.official import load_official_state
from bmnas.compiler.plan.blocks import Raw
from bmnas.compiler.size import Size
from tests import golden


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).detach().norm() / theirs.norm())


@pytest.mark.parametrize("case", golden.cases("found"))
@pytest.mark.parametrize("mode", ["eval", "train_nodrop"])
def test_found_networks(case, mode):
    network = compile_genotype(golden.genotype(case)).double()
    load_official_state(network, golden.weights(case))
    network.train(mode != "eval")
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    x = golden.array(case, "x")
    out = network({name: x[:, int(name[1:])] for name in network.features})
    assert relative_error(out, golden.array(case, f"out_{mode}")) <= 1e-10


@pytest.mark.parametrize("case", golden.cases("reshape"))
def test_reshape_layers(case):
    kind = {"ntu_ego": "sequence", "mmimdb": "grid"}[case["kind"]]
    size, inputs = Size(case["C"], case["L"]), [(case["in_shape"][0], case["L"])]
    raw = Raw(case["in_shape"][0], kind)
    layer = BlockModule(lambda b, nodes: frame.reshape(b, nodes[0], raw, size), inputs, seeds=None).double()
    w = golden.weights(case)
    layer.load_state_dict({name: tensor.flatten(1) if name == "conv.weight" else tensor for name, tensor in w.items()})
    x = golden.array(case, "x")
    assert relative_error(layer.eval()(x).mT, golden.array(case, "out_eval")) <= 1e-10
    assert relative_error(layer.train()(x).mT, golden.array(case, "out_train")) <= 1e-10
    assert relative_error(layer.bn.running_mean, golden.array(case, "running_mean_after")) <= 1e-10
    assert relative_error(layer.bn.running_var, golden.array(case, "running_var_after")) <= 1e-10
