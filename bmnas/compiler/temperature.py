"""Outputs divided by a temperature, in the weights: the network stays what its genotype says, in every export."""

from __future__ import annotations

import torch

from bmnas.compiler.layers import Linear
from bmnas.compiler.plan import primitives as p
from bmnas.compiler.planned import PlannedModule
from bmnas.genotype.graph import OUTPUT


@torch.no_grad()
def divide_outputs(network: PlannedModule, temperature: float) -> None:
    """Make a network's outputs so many times smaller, in place: those of its heads, which end it.

    A network that ends with no head stays what it is. Of logits, the greatest stays the greatest; how sure it is
    changes (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).

    Args:
        network: trained.
        temperature: above 0.
    """
    for op in network.plan:
        if op.place == OUTPUT and isinstance(op.primitive, p.Linear):
            head = network.get_submodule(op.weights[0])
            assert isinstance(head, Linear)
            for parameter in head.parameters():
                parameter.div_(temperature)
