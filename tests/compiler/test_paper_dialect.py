"""The paper dialect against a slow and obvious transcription of Eq. 4-8, one position of one sample at a time."""

from __future__ import annotations

from math import exp, isqrt, sqrt

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings

from bmnas.compiler import compile_genotype
from bmnas.compiler.plan.names import module_names
from bmnas.genotype import INPUT_NAMES, from_dict
from bmnas.genotype.graph import used_nodes
from tests.compiler.test_network import inputs_of
from tests.genotype.test_schema import SHORT
from tests.profiles import examples
from tests.strategies import genotypes

POOL = {"Zero", "Sum", "Attention", "LinearGLU", "ConcatFC"}


def attention(x, y):
    """Eq. 6 with x and y as (L, C)."""
    channels = x.shape[1]
    rows = []
    for query in x:
        weights = [exp((query @ key).item() / sqrt(channels)) for key in y]
        rows.append(sum(weight * value for weight, value in zip(weights, y, strict=True)) / sum(weights))
    return torch.stack(rows)


def apply(op, module, nodes):
    """One step on one sample; nodes are (L, C), as in the paper."""
    weights = [parameter.T if parameter.dim() == 2 else parameter for parameter in module.parameters()]
    match op:
        case "Zero":
            return 0 * nodes[0]
        case "Sum":
            return sum(nodes)
        case "Attention":
            return attention(*nodes)
        case "LinearGLU":
            (x, y), (w1, w2) = nodes, weights
            return (x @ w1) * (1 / (1 + torch.exp(-(y @ w2))))
        case "ConcatFC":
            w, b = weights
            return (torch.cat(nodes, 1) @ w + b).clamp(min=0)
    raise AssertionError(op)


def transcribed(genotype, network, features):
    """The output of the network for one sample; features are those after the reshape layers, (C, L)."""
    nodes = {name: node.T for name, node in features.items()}
    names, used = module_names(genotype), used_nodes(genotype)
    for cell in genotype.cells:
        if ("cell", cell.name) not in used:
            continue
        inner = {name: nodes[node] for name, node in zip(INPUT_NAMES, cell.inputs, strict=False) if node in nodes}
        for step in cell.steps:
            node = ("step", cell.name, step.name)
            if node in used:
                inner[step.name] = apply(step.op, held(network, names[node]), [inner[read] for read in step.inputs])
        out = [inner[name] for name in cell.output]
        own = held(network, names["cell", cell.name])
        nodes[cell.name] = out[0] if len(out) == 1 else apply("ConcatFC", own, out)
    fused = torch.cat([nodes[name] for name in genotype.output], 1).T.flatten()
    if genotype.head is None:
        return fused
    return network.output.head.weight @ fused + network.output.head.bias


def reshape(network, name, feature):
    """A feature after its reshape layer, (B, C, L): pooling is PyTorch's, then one position after the other."""
    declared, size = network.genotype.feature(name), network.genotype.representation
    if declared.reshape == "none":
        return feature
    side = isqrt(size.length)
    plane = feature.reshape(*feature.shape, *[1] * (4 - feature.dim()))
    pooled = F.adaptive_max_pool2d(plane, (side, side) if declared.reshape == "grid" else (size.length, 1)).flatten(2)
    conv = held(network, module_names(network.genotype)["feature", name]).conv
    return torch.stack([conv.weight @ column + conv.bias[:, None] for column in pooled])


def held(network, name):
    """The submodule that holds the weights, or one without any."""
    try:
        return network.get_submodule(name)
    except AttributeError:
        return torch.nn.Module()


@given(genotypes())
@settings(max_examples=examples(60))
def test_the_network_is_the_equations(genotype):
    steps = [step for cell in genotype.cells for step in cell.steps]
    assume({step.op for step in steps} <= POOL)
    assume(all(len(step.inputs) == 2 for step in steps if step.op == "Attention"))
    features = tuple(feature.model_copy(update={"scale": "none"}) for feature in genotype.features)
    plain = {"dialect": "paper", "join": "concat", "members": 1, "features": features}
    genotype = genotype.model_copy(update=plain)
    network = compile_genotype(genotype).double().eval()
    features = {name: tensor.double() for name, tensor in inputs_of(genotype).items()}
    reshaped = {name: reshape(network, name, features[name]) for name in network.features}
    expected = [transcribed(genotype, network, {name: node[i] for name, node in reshaped.items()}) for i in range(3)]
    torch.testing.assert_close(network(features), torch.stack(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dialect", ["official", "paper"])
def test_dropout_acts_in_training_only(dialect):
    genotype = from_dict(SHORT | {"dialect": dialect, "dropout": 0.5})
    network = compile_genotype(genotype)
    features = inputs_of(genotype)
    assert not torch.equal(network(features), network(features))
    network.eval()
    assert torch.equal(network(features), network(features))


def test_the_paper_dialect_has_no_norm_and_no_residual():
    network = compile_genotype(from_dict(SHORT | {"dialect": "paper"}))
    kinds = {type(module).__name__ for module in network.modules()}
    assert not {kind for kind in kinds if "Norm" in kind}
    # A cell that outputs one step is that step: x reaches the output through it alone.
    genotype = from_dict(
        SHORT | {"dialect": "paper", "cells": [SHORT["cells"][0] | {"output": ["Step_1"]}], "output": ["Cell_1"]}
    )
    network = compile_genotype(genotype).eval()
    features = inputs_of(genotype)
    x, y = (reshape(network, name, features[name]) for name in ("Video_3", "Skeleton_4"))
    expected = torch.stack([attention(x[i].T, y[i].T).T.flatten() for i in range(3)])
    torch.testing.assert_close(network(features), expected, rtol=1e-4, atol=1e-5)
