"""Weighted sums of nodes (Eq. 2): of all features for all cells in one product, and of a few nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bmnas.searcher.hypernet.fused import kernels


def of_features(features_KJBLC: Tensor, weights: Sequence[Tensor]) -> list[list[Tensor]]:
    """The sums of the features that each cell reads.

    Args:
        features_KJBLC: all features.
        weights: for each cell, (K, I, J or more); the first J are those of the features.

    Returns:
        For each cell, I tensors (K, B, L, C).
    """
    seeds, features, *shape = features_KJBLC.shape
    rows = torch.cat([each[..., :features] for each in weights], 1)
    flat = features_KJBLC.view(seeds, features, -1)
    sums = (rows[0] @ flat[0]).unsqueeze(0) if seeds == 1 else torch.bmm(rows, flat)
    each = sums.view(seeds, rows.shape[1], *shape).unbind(1)
    inputs = weights[0].shape[1]
    return [list(each[i : i + inputs]) for i in range(0, len(each), inputs)]


def weighted(nodes: Sequence[Tensor], weights_KE: Tensor, base: Tensor | None = None) -> Tensor:
    """base + Σ weights[:, e] · nodes[e], each (K, B, L, C). A tensor that is there twice is read once."""
    own = {id(node): node for node in nodes}
    if len(own) < len(nodes):
        columns = weights_KE.unbind(1)
        sums = [sum(w for w, node in zip(columns, nodes, strict=True) if id(node) == key) for key in own]
        weights_KE = torch.stack(sums, 1)
    out: Tensor = _Weighted.apply(weights_KE, base, *own.values())
    return out


class _Weighted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights_KE: Tensor, base: Tensor | None, *nodes: Tensor) -> Tensor:
        ctx.save_for_backward(weights_KE, *nodes)
        weights = [weight.view(-1, 1, 1, 1) for weight in weights_KE.unbind(1)]
        if base is None:
            out, rest = nodes[0] * weights[0], 1
        else:
            out, rest = torch.addcmul(base, nodes[0], weights[0]), 1
        for node, weight in zip(nodes[rest:], weights[rest:], strict=True):
            out.addcmul_(node, weight)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Any, ...]:
        weights_KE, *nodes = ctx.saved_tensors
        dout = dout.contiguous()
        dweights = None
        if ctx.needs_input_grad[0]:
            dweights = torch.stack([kernels.dots(dout, node.contiguous()) for node in nodes], 1)
        dnodes = [
            dout * weight.view(-1, 1, 1, 1) if needed else None
            for weight, needed in zip(weights_KE.unbind(1), ctx.needs_input_grad[2:], strict=True)
        ]
        return dweights, dout if ctx.needs_input_grad[1] else None, *dnodes
