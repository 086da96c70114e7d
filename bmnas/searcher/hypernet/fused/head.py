"""The end of a network, without a copy of its nodes in another layout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bmnas.compiler import functional
from bmnas.searcher.hypernet.fused import recognise


class FusedHead:
    """The end of a network.

    Args:
        module: it.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.recognised = recognise.network_output(module)

    def __call__(self, nodes: Sequence[Tensor]) -> Tensor:
        """The nodes of the cells, each (K, B, L, C), to (K, B, outputs)."""
        if self.recognised is None:
            out: Tensor = self.module(*nodes)
            return out
        norm, linear = self.recognised
        x = torch.relu_(norm(torch.cat(list(nodes), -1)))
        length, channels = x.shape[2:]
        # The weight is smaller than the nodes: its columns are brought in their order.
        weight = linear.weight.unflatten(-1, (channels, length)).transpose(-1, -2).flatten(-2)
        return functional.linear(x.flatten(2), weight, linear.bias)
