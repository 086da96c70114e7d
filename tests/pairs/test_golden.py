"""The hypernet and its gates compute what the released ones do."""

from __future__ import annotations

import pytest
import torch

from bmnas.compiler.stacks.official import block_name, official_names
from bmnas.genotype.stacks import from_dict
from bmnas.genotype.stacks.space import DECODER_POOL, ENCODER_POOL, StackSpace
from bmnas.pairs.hypernet import StackHypernet
from bmnas.tasks.heads.answer import answer_loss
from tests.mmnas_golden import cases, close, stored, weights


def hypernet_of(case) -> StackHypernet:
    task = {"vqa": "answer", "itm": "match", "vgd": "ground"}[case["task"]]
    base = from_dict(
        {
            "kind": "encoder-decoder",
            "width": case["hsize"],
            "head_width": 64,
            "relation_width": case["rel_size"],
            "dropout": 0.0,
            "inputs": [
                {
                    "name": "Question",
                    "modality": "T",
                    "length": 6,
                    "tokens": case["words"],
                    "vocabulary": case["tokens"],
                },
                {"name": "Regions", "modality": "I", "length": 7, "channels": case["feat"], "boxes": True},
            ],
            "stacks": [
                {"name": "Encoder", "reads": "Question", "blocks": []},
                {"name": "Decoder", "reads": "Regions", "memory": "Encoder", "blocks": []},
            ],
            "head": {"task": task, **({"outputs": case["answers"]} if task == "answer" else {})},
        }
    )
    space = StackSpace(base, ((ENCODER_POOL,) * 12, (DECODER_POOL,) * 18))
    return StackHypernet(space, hidden=case["mlp"]).double()


def names_of(hypernet: StackHypernet) -> dict[str, str]:
    """Of each weight its name in the released code."""
    found = {own: theirs for own, theirs in official_names(hypernet) if not own.startswith("stacks.")}
    keys = list(hypernet.stacks)
    for key, kind in zip(keys, ("enc", "dec"), strict=True):
        for number, block in enumerate(hypernet.stacks[key]):
            for k, operation in enumerate(block.operations):
                for name, _ in operation.named_parameters():
                    own = f"stacks.{key}.{number}.operations.{k}.{name}"
                    found[own] = f"backnone.cells_{kind}.0.dag.{number}.0.candidate_ops.{k}.{block_name(name)}"
    return found


@pytest.mark.parametrize(
    "case", cases("hypernets", lambda case: case["mode"] in ("full", "one") and case["task"] == "vqa")
)
def test_a_hypernet_in_either_mode(case):
    hypernet, state, name = hypernet_of(case), weights(case), case["id"]
    own = names_of(hypernet)
    with torch.no_grad():
        for ours, theirs in own.items():
            dict(hypernet.named_parameters())[ours].copy_(state[theirs])
        for row, alpha in enumerate(hypernet.alpha):
            alpha.copy_(stored(f"{name}/alpha")[row, : len(alpha)])
    hypernet.choose([active[0] for active, _ in case["active_inactive"]], "full" if case["mode"] == "full" else "one")
    regions = stored(f"{name}/in/regions").requires_grad_()
    inputs = {"Question": stored(f"{name}/in/tokens").long(), "Regions": regions}
    out = hypernet({**inputs, "Regions.boxes": stored(f"{name}/in/boxes")})
    assert close(out, stored(f"{name}/logits"))
    loss = answer_loss(out, stored(f"{name}/in/t_scores"))
    assert close(loss, stored(f"{name}/loss"))
    loss.backward()
    assert close(regions.grad, stored(f"{name}/d_regions"))
    if case["mode"] == "full":
        gates, wanted = [block.gate.grad for block in hypernet.blocks()], stored(f"{name}/d_gate")
        for row, gate in enumerate(gates):
            assert close(gate, wanted[row, : len(gate)])
        hypernet.alpha_gradients()
        wanted = stored(f"{name}/d_alpha")
        for row, alpha in enumerate(hypernet.alpha):
            assert close(alpha.grad, wanted[row, : len(alpha)])
        torch.optim.Adam(hypernet.alpha.parameters(), lr=0.1, betas=(0.0, 0.999)).step()
        wanted = stored(f"{name}/alpha_after_adam")
        for row, alpha in enumerate(hypernet.alpha):
            assert close(alpha.detach(), wanted[row, : len(alpha)])
