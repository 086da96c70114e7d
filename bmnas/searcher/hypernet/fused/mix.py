"""Weighted sums of nodes (Eq. 2): of all features for all cells in one product, and of a few nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bmnas.searcher.hypernet.fused import kernels


def rows_of(weights: Sequence[Tensor], features: int) -> Tensor:
    """The weights of the features in every sum that a cell reads, (K, S, J), from those of each cell, (K, I, ...)."""
    return torch.cat([each[..., :features] for each in weights], 1)


def of_features(features_KJBLC: Tensor, weights_KSJ: Tensor) -> Tensor:
    """Sums of the features, (K, S, B, L, C)."""
    if len(features_KJBLC) == 1:  # squeeze, as the backward of an index fills a tensor with zeros
        flat = weights_KSJ.squeeze(0) @ features_KJBLC.squeeze(0).flatten(1)
    else:
        flat = torch.bmm(weights_KSJ, features_KJBLC.flatten(2))
    return flat.view(*weights_KSJ.shape[:2], *features_KJBLC.shape[2:])


def weighted(nodes: Sequence[Tensor], weights_KE: Tensor, base: Tensor | None = None) -> Tensor:
    """base + Σ weights[:, e] · nodes[e], each (K, B, L, C). A tensor that is there twice is read once."""
    own = {id(node): node for node in nodes}
    if len(own) < len(nodes):
        places = [[e for e, node in enumerate(nodes) if id(node) == key] for key in own]
        weights_KE = torch.stack([weights_KE[:, place].sum(1) for place in places], 1)
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
