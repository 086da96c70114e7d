"""Operations, reductions and networks compute what the released classes of MMnas do, gradients included."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bmnas.compiler.stacks import StackNetwork, load_official_state
from bmnas.compiler.stacks.blocks import BlockModule, BlockSize, Sight
from bmnas.compiler.stacks.layers import Reduction, TokenNorm
from bmnas.compiler.stacks.official import block_name, official_names
from bmnas.genotype import published
from bmnas.genotype.stacks import Block
from bmnas.genotype.stacks.released import blocks_of
from tests.mmnas_golden import cases, close, draw, has, masks, stored, told, weights

# What the released table has, and no published architecture: these have no operation here.
UNKNOWN = (
    *("none", "relu", "gelu", "leakyrelu", "feed_forward_deep", "gated_linear_2", "self_att_64_2", "guided_att_64_2"),
    *("uniimg_att_32", "std_conv_3", "std_conv_5", "std_conv_7", "std_conv_11"),
)


def block_of(case: dict[str, Any]) -> tuple[Block, dict[str, Any]]:
    import json

    text = json.dumps({"epoch0": {"enc": [[case["op"]]], "dec": []}})
    (plain,) = blocks_of(text)["enc"]
    block = Block.model_validate(plain)
    return block, block.options


@pytest.mark.parametrize("case", cases("operations", lambda case: case["op"] not in (*UNKNOWN, "skip_connect")))
def test_operations(case):
    block, options = block_of(case)
    size = BlockSize(case["hsize"], case["hsize"], case["rel_size"], 0.0, "official")
    module = BlockModule(block, size, options, residual=case["residual"], norm=case["norm"]).double()
    state = weights(case)
    ours = {name: _known(block_name(name), state) for name, _ in module.named_parameters()}
    assert sorted(ours.values()) == sorted(state)
    module.load_state_dict({name: _fit(state[theirs], module.state_dict()[name]) for name, theirs in ours.items()})
    name, width = case["id"], case["hsize"]
    x = draw(f"{name}/x", 3, 5, width).requires_grad_()
    y = draw(f"{name}/y", 3, 4, width).requires_grad_()
    relations = draw(f"{name}/rel", 3, 5, 5, case["rel_size"]).clamp(min=0).requires_grad_()
    pad_x, pad_y = masks(case["masks"])
    out = module(x, Sight(pad_x, y, pad_y, relations))
    assert close(out, stored(f"{name}/out"))
    (out * draw(f"{name}/cotangent", *out.shape)).sum().backward()
    for key, tensor in (("x", x), ("y", y), ("rel", relations)):
        if has(f"{name}/d_{key}"):
            assert close(tensor.grad, stored(f"{name}/d_{key}"))
    found = dict(module.named_parameters())
    by_theirs = {theirs: found[own] for own, theirs in ours.items()}
    wanted = stored(f"{name}/d_w")
    for row, theirs in enumerate(state):
        gradient = by_theirs[theirs].grad.reshape(state[theirs].shape)
        assert close(told(case, theirs, gradient), wanted[row])


def test_what_has_no_operation_here_is_named():
    from bmnas.errors import GenotypeError

    for case in cases("operations", lambda case: case["op"] in UNKNOWN):
        with pytest.raises(GenotypeError, match=f"{case.values[0]['op']}.*which has no operation here"):
            block_of(case.values[0])


@pytest.mark.parametrize("case", cases("reductions", lambda case: "glimpses" in case))
def test_reductions(case):
    module = Reduction(case["hsize"], case["mlp"], 0.0, case["glimpses"]).double()
    state, names = weights(case), {"inner": "mlp.fc.linear", "outer": "mlp.linear", "merge": "linear_merge"}
    ours = {name: f"{names[name.split('.')[0]]}.{name.split('.')[1]}" for name, _ in module.named_parameters()}
    module.load_state_dict({own: state[theirs] for own, theirs in ours.items()})
    x = draw(f"{case['id']}/x", 3, 5, case["hsize"]).requires_grad_()
    out = module(x, masks(case["masks"])[0])
    assert close(out, stored(f"{case['id']}/out"))
    (out * draw(f"{case['id']}/cotangent", *out.shape)).sum().backward()
    assert close(x.grad, stored(f"{case['id']}/d_x"))


def test_the_norm():
    (case,) = (each.values[0] for each in cases("reductions", lambda case: "glimpses" not in case))
    module = TokenNorm(case["size"]).double()
    state = weights(case)
    module.load_state_dict({"scale": state["a_2"], "shift": state["b_2"]})
    wanted = stored(f"{case['id']}/out")
    x = draw(f"{case['id']}/x", *wanted.shape)
    x[0, 0] = 2.5
    assert close(module(x), wanted)
    assert close(module(x)[0, 0], state["b_2"])


def network_of(case: dict[str, Any]) -> StackNetwork:
    genotype = published.load(case["arch"].replace("_", "-"))
    text, regions = genotype.inputs
    task = {"vqa": "answer", "itm": "match", "vgd": "ground"}[case["task"]]
    genotype = genotype.replace(
        width=case["hsize"],
        head_width=64,
        relation_width=case["rel_size"],
        dropout=0.0,
        inputs=[
            text.model_copy(update={"tokens": case["words"], "vocabulary": case["tokens"]}),
            regions.model_copy(update={"channels": case["feat"]}),
        ],
        head={"task": task, "outputs": case["answers"] if task == "answer" else None},
    )
    network = StackNetwork(genotype, hidden=case["mlp"]).double()
    load_official_state(network, weights(case))
    return network


@pytest.mark.parametrize("case", cases("networks", lambda case: not case["box_feature"]))
def test_networks(case):
    network, name = network_of(case), case["id"]
    regions = stored(f"{name}/in/regions").requires_grad_()
    tokens = stored(f"{name}/in/tokens").long()
    inputs = {"Question": tokens, "Regions": regions, "Regions.boxes": stored(f"{name}/in/boxes")}
    out = network(inputs)
    if case["task"] == "vqa":
        assert close(out, stored(f"{name}/logits"))
        target = stored(f"{name}/in/t_scores")
        loss = torch.nn.functional.binary_cross_entropy_with_logits(out, target, reduction="sum")
        assert close(loss, stored(f"{name}/loss"))
        loss.backward()
        assert close(regions.grad, stored(f"{name}/d_regions"))
        _check_gradients(case, network)
    elif case["task"] == "itm":
        assert close(out.sigmoid(), stored(f"{name}/score").flatten())
        other = network({**inputs, "Question": tokens.flip(0)})
        assert close(other.sigmoid(), stored(f"{name}/score_other_text").flatten())
    else:
        # For the divergence the released network gives logarithms of the softmax over regions.
        scores = out[..., 0].log_softmax(1) if case["scores_loss"] == "kld" else out[..., 0]
        assert close(scores, stored(f"{name}/region_scores").reshape(out.shape[:2]))
        assert close(out[..., 1:], stored(f"{name}/box_deltas"))


def _check_gradients(case: dict[str, Any], network: StackNetwork) -> None:
    found, names = dict(network.named_parameters()), {theirs: ours for ours, theirs in official_names(network)}
    wanted = stored(f"{case['id']}/d_w")
    assert len(wanted) == len(case["weights_with_gradient"])
    for row, theirs in enumerate(case["weights_with_gradient"]):
        assert close(told(case, theirs, found[names[theirs]].grad), wanted[row])


def _known(name: str, state: dict[str, torch.Tensor]) -> str:
    """The released name of a weight that no network has, only the operation."""
    if name in state:
        return name
    part, _, last = name.rpartition(".")
    return next(each for each in state if each.endswith(f".{last}") and _same(part, each))


def _same(part: str, theirs: str) -> bool:
    return {"linear": "linear", "depthwise": "depthwise", "pointwise": "pointwise"}.get(part, part) in theirs


def _fit(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return value.reshape(like.shape)
