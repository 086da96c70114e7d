"""Costs computed from the plan are those of the built network."""

from __future__ import annotations

import re
import subprocess
import sys
from math import isqrt

import pytest
import torch
from hypothesis import given, settings
from torch.utils.flop_counter import FlopCounterMode

from bmnas.compiler import compile_genotype, summarise
from bmnas.genotype import Genotype, load
from bmnas.genotype.graph import used_nodes
from tests.profiles import examples
from tests.strategies import genotypes


def stored(genotype: Genotype, batch: int = 2) -> dict[str, torch.Tensor]:
    """Features as a store keeps them."""
    size = genotype.representation
    side = isqrt(size.length)
    axes = {"grid": (side, side), "sequence": (size.length,), "none": (size.length,)}
    return {f.name: torch.randn(batch, f.channels, *axes[f.reshape]) for f in genotype.features}


@given(genotypes())
@settings(max_examples=examples(60))
def test_parameters_and_multiply_adds_are_those_of_the_network(genotype):
    summary, network = summarise(genotype), compile_genotype(genotype).eval()
    assert summary.parameters == sum(parameter.numel() for parameter in network.parameters())
    with FlopCounterMode(display=False) as counter:
        out = network(stored(genotype))
    assert summary.multiply_adds * 2 * 2 == counter.get_total_flops()  # two samples, two operations each
    assert summary.output_shape == ("batch", *out.shape[1:])
    for total in ("parameters", "multiply_adds", "activations"):
        assert getattr(summary, total) == sum(getattr(node, total) for node in summary.nodes)
    assert 0 <= summary.peak <= summary.activations + 4 * summary.peak


@given(genotypes())
@settings(max_examples=examples(60))
def test_each_node_has_the_parameters_of_its_module(genotype):
    network = compile_genotype(genotype)
    from bmnas.compiler.plan.names import module_names

    names = module_names(genotype)
    order = [*(("feature", f.name) for f in genotype.features)]
    for cell in genotype.cells:
        order += [*(("step", cell.name, step.name) for step in cell.steps), ("cell", cell.name)]
    own = []
    for node in [node for node in [*order, ("output",)] if node in used_nodes(genotype)]:
        prefix = names[node] + "."
        own.append(sum(p.numel() for name, p in network.named_parameters() if _within(name).startswith(prefix)))
    assert [node.parameters for node in summarise(genotype).nodes] == own


def _within(parameter: str) -> str:
    return re.sub(r"^members\.\d+\.", "", parameter)


@pytest.mark.parametrize("name", ["ntu-1", "ego-3", "mmimdb-1"])
def test_activations_are_what_training_allocates(name):
    """Counted by hand for one published genotype; for the others by their order of magnitude."""
    summary = summarise(load(name))
    network = compile_genotype(load(name))
    sizes = []
    hooks = [m.register_forward_hook(lambda *a: sizes.append(a[2][0].numel())) for m in network.modules()]
    network(stored(load(name)))
    for hook in hooks:
        hook.remove()
    assert sum(sizes) <= summary.activations <= 3 * sum(sizes)
    assert summary.peak < summary.activations / 3


def test_it_needs_no_torch():
    code = "import sys, bmnas.compiler as c, bmnas; c.summarise(bmnas.load('ntu-1')); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
