"""The released code's weights in a compiled network: names by position, and what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bmnas.compiler import compile_genotype, summarise
from bmnas.compiler.official import load_official_state
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, from_dict, published
from tests import golden

FACTS = json.loads((Path(__file__).parent.parent / "reference" / "published.json").read_text())
# Neither can be reached with the paper's architectures, whatever the cells put out.
DIFFERS_FROM_TABLE_8 = {"ntu-1", "ntu-3"}


def released_names(genotype: Genotype) -> dict[str, tuple[int, ...]]:
    """Every parameter that the released code has for a genotype, and its shape, written down from its modules."""
    channels, length = genotype.representation.channels, genotype.representation.length

    def norm(prefix: str, *shape: int, running: bool) -> dict[str, tuple[int, ...]]:
        names = ["weight", "bias"] + ["running_mean", "running_var"] * running
        return {f"{prefix}.{name}": shape for name in names} | (
            {f"{prefix}.num_batches_tracked": ()} if running else {}
        )

    def conv(prefix: str, outs: int, ins: int) -> dict[str, tuple[int, ...]]:
        return {f"{prefix}conv.weight": (outs, ins, 1), f"{prefix}conv.bias": (outs,)}

    shapes: dict[str, tuple[int, ...]] = {}
    for i, feature in enumerate(genotype.features):
        if any(feature.name in cell.inputs for cell in genotype.cells):
            assert feature.channels is not None
            layer = f"reshape_layers.{i}."
            shapes |= conv(layer, channels, feature.channels) | norm(f"{layer}bn", channels, running=True)
    for n, cell in enumerate(genotype.cells):
        prefix = f"fusion_net.cell._step_nodes.{n}.node_cell."
        for m, step in enumerate(cell.steps):
            op = f"{prefix}node_ops.{m}."
            if step.op in ("LinearGLU", "ConcatFC"):
                outs = channels * (2 if step.op == "LinearGLU" else 1)
                shapes |= conv(op, outs, 2 * channels) | norm(f"{op}bn", outs, running=True)
            if step.op == "Attention":
                shapes |= norm(f"{op}ln", channels, length, running=False)
        if len(cell.output) > 1:
            shapes |= conv(f"{prefix}out_", channels, len(cell.output) * channels)
            shapes |= norm(f"{prefix}bn", channels, running=True)
        shapes |= norm(f"{prefix}ln", channels, length, running=False)
    fused = len(genotype.output) * channels
    assert genotype.head is not None
    shapes |= norm("fusion_net.cell.ln", fused, length, running=False)
    return shapes | {
        "central_classifier.weight": (genotype.head.outputs, fused * length),
        "central_classifier.bias": (genotype.head.outputs,),
    }


def released_state(genotype: Genotype) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(shape, generator=generator) for name, shape in released_names(genotype).items()}


def small(**changes: object) -> Genotype:
    """Two cells, one of them unused, one step unused; names that say nothing about the position."""
    features = [{"name": name, "modality": "A", "channels": 3 + i} for i, name in enumerate(["z", "y.y", "Cell_1"])]
    concat = {"name": "Step_9", "op": "ConcatFC", "inputs": ["x", "y"]}
    glu = {"name": "Step_1", "op": "LinearGLU", "inputs": ["y", "x"]}
    cells = [
        {"name": "alone", "inputs": ["z", "y.y"], "steps": [concat]},
        {"name": "cell_2", "inputs": ["Cell_1", "y.y"], "steps": [concat, glu], "output": ["Step_1", "y"]},
    ]
    return from_dict(
        {
            "representation": {"channels": 4, "length": 2},
            "features": features,
            "cells": cells,
            "output": ["cell_2"],
            "head": {"outputs": 5},
            **changes,
        }
    )


def state_of(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("case", golden.cases("found"))
@pytest.mark.parametrize("prefix", ["", "fusion_net.", "module.fusion_net."])
def test_golden_networks(case, prefix):
    network = compile_genotype(golden.genotype(case)).double().eval()
    load_official_state(network, {prefix + name: value for name, value in golden.weights(case).items()})
    x = golden.array(case, "x")
    out, expected = network({f"F{i}": x[:, i] for i in range(x.shape[1])}), golden.array(case, "out_eval")
    assert float((out - expected).detach().norm() / expected.norm()) <= 1e-10


@pytest.mark.parametrize("name", published.names())
def test_published_networks(name):
    genotype = published.load(name)
    network, state = compile_genotype(genotype), released_state(genotype)
    backbone = {"rgbnet.cnn.conv1.weight": torch.rand(2, 2), "rgbnet.bn.num_batches_tracked": torch.tensor(1)}
    report = load_official_state(network, state | backbone)
    assert (report.loaded, report.backbones, report.unused) == (len(network.state_dict()), 2, 0)
    # The same numbers on both sides: nothing is left over, and nothing is there twice.
    counted = [value for key, value in state.items() if not key.endswith("tracked")]
    ours = torch.cat([value.flatten() for value in network.state_dict().values()]).sort().values
    torch.testing.assert_close(ours, torch.cat([v.flatten() for v in counted]).sort().values, rtol=0, atol=0)


@pytest.mark.parametrize("facts", FACTS["genotypes"], ids=lambda facts: facts["name"])
def test_parameters_are_those_of_the_released_code_and_of_table_8(facts):
    genotype = published.load(facts["name"])
    names = released_names(genotype)
    trainable = {key: shape for key, shape in names.items() if not key.endswith(("_mean", "_var", "_tracked"))}
    count = sum(torch.Size(shape).numel() for shape in trainable.values())
    assert summarise(genotype).parameters == count
    assert (round(count / 1e6, 2) == facts["table8_million"]) == (facts["name"] not in DIFFERS_FROM_TABLE_8)


def test_positions_count_and_what_is_unused_is_ignored():
    network = compile_genotype(small())
    state = released_state(small())
    report = load_official_state(network, state)
    assert report.unused == sum(
        name.startswith(
            (
                "reshape_layers.0.",
                "fusion_net.cell._step_nodes.0.",
                "fusion_net.cell._step_nodes.1.node_cell.node_ops.0.",
            )
        )
        and not name.endswith("tracked")
        for name in state
    )
    ours = network.state_dict()
    pairs = {(4, 5): "reshape_layers.2.conv.weight", (4, 4): "reshape_layers.1.conv.weight"}
    for shape, name in pairs.items():
        (found,) = [value for key, value in ours.items() if key.startswith("reshapes.") and value.shape == shape]
        torch.testing.assert_close(found, state[name].squeeze(-1), rtol=0, atol=0)
    (found,) = [value for value in ours.values() if value.shape == (8, 8)]
    torch.testing.assert_close(
        found, state["fusion_net.cell._step_nodes.1.node_cell.node_ops.1.conv.weight"].squeeze(-1)
    )


def drop(state: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in state.items() if key != name}


CONV = "reshape_layers.2.conv.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s | {CONV: torch.rand(4, 6, 1)},
            r"^the weights do not fit the genotype 'genotype': 'reshape_layers.2.conv.weight' has shape \(4, 6, 1\), "
            r"but should have \(4, 5, 1\)$",
        ),
        (lambda s: s | {CONV: torch.rand(4, 5, 3)}, r"has shape \(4, 5, 3\), but should have \(4, 5, 1\)"),
        (lambda s: s | {CONV: torch.ones(4, 5, 1).long()}, "is torch.int64, but should be a tensor of floating-point"),
        (lambda s: s | {CONV: [1.0]}, "'reshape_layers.2.conv.weight' is list, but should be a tensor"),
        (lambda s: drop(s, CONV), r"missing: 'reshape_layers.2.conv.weight' \(here reshapes\.[\w.]+\)$"),
        (
            lambda s: s | {"fusion_net.cell._step_nodes.1.node_cell.node_ops.2.ln.weight": torch.rand(4, 2)},
            "without a place in the network: 'fusion_net.cell._step_nodes.1.node_cell.node_ops.2.ln.weight'",
        ),
        (lambda s: s | {"reshape_layers.3.bn.weight": torch.rand(4)}, "without a place .*'reshape_layers.3.bn.weight'"),
        (lambda s: s | {"cell.ln.weight": torch.rand(4, 2)}, "twice, as 'fusion_net.cell.ln.weight' and as 'cell.ln"),
        (lambda s: {}, "missing: .* and 27 more"),
        (lambda s: [s], "the weights are a list, but should be tensors by name"),
        (lambda s: {"state_dict": s}, "missing: .*; without a place in the network: 'state_dict'"),
    ],
)
def test_what_does_not_fit_is_said_and_changes_nothing(change, message):
    network = compile_genotype(small())
    before = state_of(network)
    with pytest.raises(BmnasError, match=message):
        load_official_state(network, change(released_state(small())))
    torch.testing.assert_close(state_of(network), before, rtol=0, atol=0)


def test_the_paper_dialect_is_refused():
    genotype = small(dialect="paper")
    with pytest.raises(BmnasError, match="in the paper dialect, but the released code's weights need the official one"):
        load_official_state(compile_genotype(genotype), released_state(genotype))
