"""The hypernet (shared relaxation) and the official derivation equal the authors' released code."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

from bmnas.genotype import Feature, Representation
from bmnas.genotype.space import Space
from bmnas.searcher.derive import derive
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.hypernet.mixing import mixing
from bmnas.searcher.official import POOL, load_hypernet, official_name
from tests import golden


@pytest.mark.parametrize("case", golden.cases("derive"))
def test_official_derivation(case):
    logits = [golden.array(case, name)[None] for name in ("alphas", "betas", "gammas")]
    cells = derive(
        mixing("shared", *logits, features=case["num_input_nodes"]),
        0,
        Space.official(
            [Feature(name=f"F{i}", modality="A") for i in range(case["num_input_nodes"])],
            representation=Representation(channels=4, length=4),
            cells=case["N"],
            steps=case["M"],
            operations=POOL,
            outputs_per_cell=case["node_multiplier"],
        ),
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
        assert_near(net.alpha_KEI.grad[k], golden.array(case, f"d_alphas_{mode}"))
        for n in range(case["N"]):
            assert_near(net.beta_KNEI.grad[k, n], golden.array(case, f"d_betas{n}_{mode}"))
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
    """The case's hypernet, without dropout, each seed with the same weights."""
    logits = {name: [golden.array(case, f"{name}{n}") for n in range(case["N"])] for name in ("betas", "gammas")}
    one = load_hypernet(golden.weights(case), golden.array(case, "alphas"), **logits)
    net = Hypernet(one.size, seeds).double()
    state = one.state_dict()
    net.load_state_dict({name: state[name].expand_as(tensor) for name, tensor in net.state_dict().items()})
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return net
