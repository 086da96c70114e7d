"""Any valid genotype becomes a network that computes what the genotype says."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings

import bmnas
from bmnas.compiler import FeatureError, compile_genotype, summarise
from bmnas.errors import GenotypeError
from bmnas.genotype import Genotype, from_dict
from bmnas.genotype.graph import used_cells, used_features
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import genotypes


def inputs_of(genotype: Genotype, batch: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    """Live features of odd shapes for every declared feature."""
    generator = torch.Generator().manual_seed(seed)
    size = genotype.representation
    shapes = {"sequence": (5, 2), "grid": (3, 4), "none": (size.length,)}
    return {
        feature.name: torch.randn(batch, feature.channels, *shapes[feature.reshape], generator=generator)
        for feature in genotype.features
    }


@given(genotypes())
@settings(max_examples=examples(60))
def test_a_network_of_any_genotype(genotype):
    network = compile_genotype(genotype).eval()
    features = inputs_of(genotype)
    out = network(features)
    size = genotype.representation
    fused = len(genotype.output) * size.channels * size.length
    assert out.shape == (3, genotype.head.outputs if genotype.head else fused)
    assert torch.isfinite(out).all()
    # one sample at a time == the whole batch
    rows = [network({name: tensor[i : i + 1] for name, tensor in features.items()}) for i in range(3)]
    torch.testing.assert_close(torch.cat(rows), out, rtol=1e-4, atol=1e-5)


@given(genotypes())
@settings(max_examples=examples(40))
def test_pooled_features_give_the_same_numbers_as_live_ones(genotype):
    network = compile_genotype(genotype).eval()
    live = inputs_of(genotype)
    length = genotype.representation.length
    pooled = {f.name: bmnas.compiler.pool(live[f.name], f.reshape, length) for f in genotype.features}
    torch.testing.assert_close(network(pooled), network(live), rtol=0, atol=0)


@given(genotypes())
@settings(max_examples=examples(40))
def test_unused_features_do_not_matter(genotype):
    network = compile_genotype(genotype).eval()
    features = inputs_of(genotype)
    used = {name: features[name] for name in network.features}
    torch.testing.assert_close(network(used), network(features), rtol=0, atol=0)


@given(genotypes())
@settings(max_examples=examples(40))
def test_every_parameter_matters(genotype):
    """What is built reaches the output: every parameter has a gradient, where no Zero stands in between."""
    assume(all(step.op != "Zero" for cell in genotype.cells for step in cell.steps))
    genotype = genotype.model_copy(update={"dropout": 0.0})
    network = compile_genotype(genotype).eval()
    assume(any(True for _ in network.parameters()))  # in the paper dialect a network may have none
    network(inputs_of(genotype)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@given(genotypes())
@settings(max_examples=examples(40))
def test_the_summary_counts_what_is_built(genotype):
    summary, network = summarise(genotype), compile_genotype(genotype)
    assert summary.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert summary.parameters == sum(node.parameters for node in summary.nodes)
    assert summary.output_shape[1:] == network.eval()(inputs_of(genotype)).shape[1:]
    declared = {f.name for f in genotype.features} | {cell.name for cell in genotype.cells}
    unbuilt = declared - set(used_features(genotype)) - set(used_cells(genotype))
    assert {name for name in summary.unused if name in declared} == unbuilt
    places = (*summary.unused, *(node.name for node in summary.nodes))
    steps = [place for place in places if " / " in place and place not in declared]
    assert len(steps) == sum(len(cell.steps) for cell in genotype.cells if cell.name not in unbuilt)


def test_an_input_that_nothing_reads_is_not_needed():
    cell = {"inputs": ["Video_3", "Skeleton_4"], "steps": [{"op": "Sum", "inputs": ["x", "x"]}]}
    network = compile_genotype(from_dict(changed(cells=[cell])))
    assert network.features == ("Video_3",)
    assert network({"Video_3": torch.randn(2, 2048, 4)}).shape == (2, 16 * 4)


def test_the_public_name():
    assert bmnas.compile is compile_genotype


@pytest.mark.parametrize("shape", [(2, 2048), (2, 2048, 3), (2, 2048, 8, 7, 7), (2, 2048, 3, 3)])
def test_live_features_of_many_shapes(shape):
    network = compile_genotype(from_dict(SHORT)).eval()
    assert network({"Video_3": torch.randn(shape), "Skeleton_4": torch.randn(2, 512, 30, 20)}).shape == (2, 128)


def test_features_that_do_not_fit_are_named():
    network = compile_genotype(from_dict(SHORT))
    video, skeleton = torch.randn(2, 2048, 4), torch.randn(2, 512, 4)
    with pytest.raises(FeatureError, match="feature 'Skeleton_4' is missing; the network needs Video_3, Skeleton_4"):
        network({"Video_3": video})
    with pytest.raises(FeatureError, match="'Skeleton_5' is not a feature of the genotype; did you mean 'Skeleton_4'"):
        network({"Video_3": video, "Skeleton_4": skeleton, "Skeleton_5": skeleton})
    with pytest.raises(
        FeatureError, match=r"'Video_3' has shape \(2, 512, 4\), but the genotype says \(batch, 2048, ...\)"
    ):
        network({"Video_3": skeleton, "Skeleton_4": skeleton})
    with pytest.raises(FeatureError, match="different batch sizes: Video_3 1, Skeleton_4 2"):
        network({"Video_3": video[:1], "Skeleton_4": skeleton})


def test_channels_must_be_known():
    genotype = from_dict(changed(features__0__channels=...))
    with pytest.raises(GenotypeError, match="the channels of feature 'Video_3' are not known"):
        compile_genotype(genotype)


@pytest.mark.parametrize("names", [("keys", "values"), ("a.b", "a_b"), ("", "x y"), ("type", "forward"), ("é", "日本")])
def test_any_names_can_be_compiled(names):
    names = tuple(name or " " for name in names)
    data = changed()
    for i, name in enumerate(names):
        data["features"][i]["name"] = name
    data["cells"] = [
        {"name": "training", "inputs": names, "steps": [{"name": "pop", "op": "Sum", "inputs": ["x", "y"]}]}
    ]
    network = compile_genotype(from_dict(data)).eval()
    assert network({names[0]: torch.randn(2, 2048, 4), names[1]: torch.randn(2, 512, 4)}).shape == (2, 64)
    assert len(network.state_dict()) == len({(*p.shape, n) for n, p in network.state_dict().items()})


def test_parameters_of_the_published_sizes():
    """NTU 2 of Table 8 is 1.71 M parameters: reshape layers, two ConcatFC cells, head."""
    features = [("Video_3", 2048), ("Video_4", 2048), ("Skeleton_4", 512)]
    concat = [{"op": "ConcatFC", "inputs": ["x", "y"]}]
    genotype = from_dict(
        {
            "representation": {"channels": 256, "length": 8},
            "features": [{"name": n, "modality": n[:5], "channels": c} for n, c in features],
            "cells": [
                {"inputs": ["Video_3", "Video_4"], "steps": concat},
                {"inputs": ["Video_3", "Skeleton_4"], "steps": concat},
            ],
            "head": {"outputs": 60},
        }
    )
    assert round(summarise(genotype).parameters / 1e6, 3) == 1.708
