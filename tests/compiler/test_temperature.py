"""Outputs divided by a temperature, in the weights of the heads: everywhere, for every genotype with a head."""

from __future__ import annotations

import torch
from hypothesis import given, settings, strategies as st

import bmnas
from bmnas.compiler import divide_outputs
from tests.compiler.test_network import inputs_of
from tests.profiles import examples
from tests.strategies import genotypes


@settings(max_examples=examples(100))
@given(genotypes(), st.sampled_from([0.5, 1.0, 3.0]))
def test_the_outputs_are_so_many_times_smaller(genotype, temperature):
    torch.manual_seed(0)
    network = bmnas.compile(genotype).eval()
    features = inputs_of(genotype)
    before = network(features)
    divide_outputs(network, temperature)
    expected = before / temperature if genotype.head else before
    torch.testing.assert_close(network(features), expected)
    torch.testing.assert_close(network.for_inference()(features), expected, rtol=1e-3, atol=1e-4)
