"""The official dialect equals the authors' released code, to 1e-10 in float64."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.compiler.blocks import Reshape
from tests import golden


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).detach().norm() / theirs.norm())


@pytest.mark.parametrize("case", golden.cases("found"))
@pytest.mark.parametrize("mode", ["eval", "train_nodrop"])
def test_found_networks(case, mode):
    network = compile_genotype(golden.genotype(case)).double()
    load_official(network, golden.weights(case))
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
    layer = Reshape(case["in_shape"][0], case["C"], case["L"], kind).double()
    w = golden.weights(case)
    official = {"layer." + name: tensor.flatten(1) if name == "conv.weight" else tensor for name, tensor in w.items()}
    layer.load_state_dict(official)
    x = golden.array(case, "x")
    assert relative_error(layer.eval()(x), golden.array(case, "out_eval")) <= 1e-10
    assert relative_error(layer.train()(x), golden.array(case, "out_train")) <= 1e-10
    assert layer.layer is not None
    assert relative_error(layer.layer.bn.running_mean, golden.array(case, "running_mean_after")) <= 1e-10
    assert relative_error(layer.layer.bn.running_var, golden.array(case, "running_var_after")) <= 1e-10


def load_official(network: FusionNetwork, weights: dict[str, Tensor]) -> None:
    """Copy the released code's parameters; what belongs to steps that reach no output is left over."""
    state = {}
    for name, tensor in network.state_dict().items():
        parts = name.split(".")
        if parts[0] == "output":
            official = "cell." + ".".join(parts[1:])
        else:
            cell = f"cell._step_nodes.{int(parts[1].removeprefix('Cell_')) - 1}.node_cell."
            if parts[2] == "steps":
                official = f"{cell}node_ops.{int(parts[3].removeprefix('Step_')) - 1}.{'.'.join(parts[4:])}"
            else:
                inner = ".".join(parts[3:]).replace("reduce.conv", "out_conv").replace("reduce.bn", "bn")
                official = cell + inner
        state[name] = weights[official].reshape(tensor.shape)
    network.load_state_dict(state)
