"""The paper dialect against a slow and obvious transcription of Eq. 4-8, one position of one sample at a time."""

from __future__ import annotations

from math import exp, sqrt

import pytest
import torch
from hypothesis import assume, given, settings

from bmnas.compiler import compile_genotype
from bmnas.genotype import INPUT_NAMES, from_dict
from tests.compiler.test_network import inputs_of
from tests.genotype.test_schema import SHORT
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
    for cell, built in zip([c for c in genotype.cells if c.name in network.used], network.cells.values(), strict=True):
        inner = {name: nodes[node] for name, node in zip(INPUT_NAMES, cell.inputs, strict=False) if node in nodes}
        for key, (name, reads) in built.reads.items():
            op = next(step.op for step in cell.steps if step.name == name)
            inner[name] = apply(op, built.steps[key], [inner[read] for read in reads])
        out = [inner[name] for name in cell.output]
        nodes[cell.name] = out[0] if len(out) == 1 else apply("ConcatFC", built.output, out)
    fused = torch.cat([nodes[name] for name in genotype.output], 1).T.flatten()
    if genotype.head is None:
        return fused
    return network.output.head.weight @ fused + network.output.head.bias


@given(genotypes())
@settings(max_examples=60)
def test_the_network_is_the_equations(genotype):
    steps = [step for cell in genotype.cells for step in cell.steps]
    assume({step.op for step in steps} <= POOL)
    assume(all(len(step.inputs) == 2 for step in steps if step.op == "Attention"))
    genotype = genotype.model_copy(update={"dialect": "paper"})
    network = compile_genotype(genotype).double().eval()
    network.used = {cell.name for cell in network.cells.values()}
    features = {name: tensor.double() for name, tensor in inputs_of(genotype).items()}
    reshaped = {name: network.reshapes[key](features[name]) for name, key in network.keys_of(network.features)}
    expected = [transcribed(genotype, network, {name: node[i] for name, node in reshaped.items()}) for i in range(3)]
    torch.testing.assert_close(network(features), torch.stack(expected), rtol=1e-9, atol=1e-9)


def test_a_reshape_layer_is_pooling_and_a_linear_map():
    genotype = from_dict(SHORT | {"dialect": "paper"})
    network = compile_genotype(genotype).eval()
    feature = torch.randn(2, 2048, 4)
    conv = network.reshapes["Video_3"].layer[0]
    expected = torch.einsum("oc,bcl->bol", conv.weight, feature) + conv.bias[:, None]
    torch.testing.assert_close(network.reshapes["Video_3"](feature), expected)


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
    x, y = (network.reshapes[name](features[name]) for name in ("Video_3", "Skeleton_4"))
    expected = torch.stack([attention(x[i].T, y[i].T).T.flatten() for i in range(3)])
    torch.testing.assert_close(network(features), expected, rtol=1e-4, atol=1e-5)
