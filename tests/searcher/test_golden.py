"""The hypernet (shared relaxation) and the official derivation equal the authors' released code."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bmnas.genotype import Feature
from bmnas.searcher.derive import derive
from bmnas.searcher.hypernet import Hypernet, HypernetSize
from tests import golden

POOL = ("Sum", "Attention", "LinearGLU", "ConcatFC")


@pytest.mark.parametrize("case", golden.cases("derive"))
def test_official_derivation(case):
    cells = derive(
        golden.array(case, "alphas"),
        golden.array(case, "betas"),
        golden.array(case, "gammas"),
        features=[f"F{i}" for i in range(case["num_input_nodes"])],
        operations=POOL,
        cell_outputs=case["node_multiplier"],
        rule="official",
    )
    assert cells == golden.cells(case)


@pytest.mark.parametrize("case", golden.cases("hyper"))
@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_hypernet(case, mode, seeds):
    """Outputs, gradients and running statistics; each of several seeds computes what one seed does."""
    net = hypernet(case, seeds).train(mode == "train")
    x_KJ = golden.array(case, "x").expand(seeds, -1, -1, -1, -1).clone().requires_grad_()
    out = net.fuse([x.transpose(2, 3) for x in x_KJ.unbind(2)])
    (out * golden.array(case, "cotangent")).sum().backward()
    for k in range(seeds):
        assert_near(out[k], golden.array(case, f"out_{mode}"))
        assert_near(x_KJ.grad[k], golden.array(case, f"d_x_{mode}"))
        assert_near(net.alpha_KE2.grad[k], golden.array(case, f"d_alphas_{mode}"))
        for n in range(case["N"]):
            assert_near(net.beta_KNE2.grad[k, n], golden.array(case, f"d_betas{n}_{mode}"))
            assert_near(net.gamma_KNMP.grad[k, n], golden.array(case, f"d_gammas{n}_{mode}"))
        if mode == "train":
            check_weights(net, case, k)


def check_weights(net: Hypernet, case: dict, k: int) -> None:
    gradients = {name: parameter.grad for name, parameter in net.named_parameters()}
    for name, tensor in net.state_dict().items():
        if name.startswith(("alpha", "beta", "gamma")):
            continue
        official = official_name(name)
        if "running" in name:
            assert_near(tensor[k], golden.array(case, f"buf_after_train/{official}").reshape(tensor[k].shape))
        elif not official.endswith("conv.bias"):  # zero but for rounding, before batch norm
            want = golden.array(case, f"dw_train/{official}")
            assert_near(gradients[name][k], want.reshape(tensor[k].shape))


def assert_near(ours: Tensor, theirs: Tensor) -> None:
    assert (ours - theirs).detach().norm() <= 1e-9 * theirs.norm() + 1e-14


def hypernet(case: dict, seeds: int) -> Hypernet:
    features = tuple(
        Feature(name=f"F{i}", modality="A", channels=case["C"], reshape="none") for i in range(case["num_input_nodes"])
    )
    size = HypernetSize(features, POOL, case["N"], case["M"], case["node_multiplier"], case["C"], case["L"], 0.0, None)
    net = Hypernet(size, seeds).double()
    weights = golden.weights(case)
    state = {
        "alpha_KE2": golden.array(case, "alphas"),
        "beta_KNE2": torch.stack([golden.array(case, f"betas{n}") for n in range(case["N"])]),
        "gamma_KNMP": torch.stack([golden.array(case, f"gammas{n}") for n in range(case["N"])]),
    }
    for name, tensor in net.state_dict().items():
        value = state.get(name)
        value = weights[official_name(name)] if value is None else value
        state[name] = value.reshape(tensor.shape[1:]).expand_as(tensor)
    net.load_state_dict(state)
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return net


def official_name(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "output":
        return "cell." + ".".join(parts[1:])
    cell = f"cell._step_nodes.{parts[1]}.node_cell."
    if parts[2] == "steps":
        return f"{cell}node_ops.{parts[3]}._ops.{parts[4]}.{'.'.join(parts[5:])}"
    return cell + ".".join(parts[3:]).replace("conv", "out_conv")
