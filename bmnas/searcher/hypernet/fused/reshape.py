"""All reshape layers of a hypernet as one autograd node, which writes the features into one tensor.

A pooled feature with fewer positions than L repeats each of them: product, batch norm and ReLU work on the distinct
ones, and only the dropout on all. What comes before the dropout is the same for every pass over a batch while the
weights stay as they are: `prepare` computes it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bmnas.searcher.hypernet.fused import connected, kernels, recognise
from bmnas.searcher.hypernet.fused.noise import Noise


@dataclass
class Undropped:
    """A reshaped feature before its dropout.

    Attributes:
        y: (K, B, T, 1, C), T a divisor of L.
        x: the rows that it was computed from, (K, R, channels); these and the following for the backward.
        z: their product with the weight, (K, R, C).
        mean: of z, (K, C).
        inverse: 1 / σ of z, (K, C).
        count: how many rows the statistics stand for; 0 where they are the running ones.
    """

    y: Tensor
    x: Tensor
    z: Tensor
    mean: Tensor
    inverse: Tensor
    count: int


class FusedReshapes:
    """The reshape layers, if all of them are recognised.

    Args:
        layers: the modules.
        length: L.
    """

    def __init__(self, layers: nn.ModuleList, length: int) -> None:
        self.kinds = [recognise.reshape(layer) for layer in layers]
        self.recognised = None not in self.kinds
        self.length = length

    def __call__(self, features: Sequence[Tensor], noise: Noise) -> Tensor:
        """The features as nodes of one tensor, (K, J, B, L, C).

        Args:
            features: each (K, B, T, channels), T a divisor of L.
            noise: gives the masks.
        """
        out: Tensor = _Reshape.apply(self, noise, len(features), *features, *self._tensors())
        return out

    @torch.no_grad()
    def prepare(self, features: Sequence[Tensor]) -> list[Undropped | Tensor]:
        """What comes before the dropout. The running statistics learn of it in `dropped`."""
        own = self._tensors()
        found: list[Undropped | Tensor] = []
        for feature, kind in zip(features, self.kinds, strict=True):
            if isinstance(kind, recognise.Connected):
                found.append(_undropped(kind, feature, own[: connected.PARAMETERS], self.length))
                del own[: connected.PARAMETERS]
            else:
                found.append(feature.unsqueeze(3))
        return found

    @torch.no_grad()
    def dropped(self, features: Sequence[Undropped | Tensor], noise: Noise) -> Tensor:
        """The features of `prepare` as nodes, as if they were computed anew. There are no gradients for the layers."""
        bias = iter(self._tensors()[1 :: connected.PARAMETERS])
        first = features[0].y if isinstance(features[0], Undropped) else features[0]
        nodes = first.new_empty(len(first), len(features), first.shape[1], self.length, first.shape[-1])
        for j, (feature, kind) in enumerate(zip(features, self.kinds, strict=True)):
            if isinstance(feature, Undropped):
                assert isinstance(kind, recognise.Connected)
                _drop(kind, feature, nodes[:, j], next(bias), noise)
            else:
                _by_position(nodes[:, j], feature.shape[2]).copy_(feature)
        return nodes

    def _tensors(self) -> list[Tensor]:
        return connected.parameters([kind for kind in self.kinds if isinstance(kind, recognise.Connected)])


class _Reshape(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, layers: FusedReshapes, noise: Noise, count: int, *tensors: Tensor) -> Tensor:
        ctx.undropped = layers.prepare(tensors[:count])
        own = tensors[count:]
        ctx.weights, ctx.gains = own[0 :: connected.PARAMETERS], own[2 :: connected.PARAMETERS]
        ctx.factors = [connected.factor(kind) for kind in layers.kinds if isinstance(kind, recognise.Connected)]
        nodes = layers.dropped(ctx.undropped, noise)
        ctx.save_for_backward(nodes)
        return nodes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dnodes: Tensor) -> tuple[Any, ...]:
        (nodes,) = ctx.saved_tensors
        dfeatures: list[Tensor | None] = []
        gradients: list[Tensor | None] = []
        layers = iter(zip(ctx.weights, ctx.gains, ctx.factors, strict=True))
        for j, it in enumerate(ctx.undropped):
            needed = ctx.needs_input_grad[3 + j]
            if not isinstance(it, Undropped):
                dfeatures.append(dnodes[:, j] if needed else None)
                continue
            weight, gain, factor = next(layers)
            # Zero where ReLU or dropout made it zero; what is repeated gets the sum.
            dy = torch.ops.aten.threshold_backward(dnodes[:, j], nodes[:, j], 0)
            seeds, batch, positions = it.y.shape[:3]
            if positions < dy.shape[2]:
                dy = _by_position(dy, positions).sum(3)
            dy = dy.reshape(it.z.shape)
            dz, dgain, dshift = kernels.batch_norm_backward(dy, it.z, it.mean, it.inverse, gain, factor)
            gradients += [kernels.product_of_rows(dz, it.x), torch.zeros_like(dshift), dgain, dshift]
            dx = kernels.product(dz, weight.transpose(1, 2)) if needed else None
            dfeatures.append(None if dx is None else dx.view(seeds, batch, positions, -1))
        return None, None, None, *dfeatures, *gradients


def _undropped(layer: recognise.Connected, feature: Tensor, own: Sequence[Tensor], length: int) -> Undropped:
    weight, bias, gain, shift = own
    x = feature.flatten(1, 2)
    z = kernels.product(x, weight)
    factor = connected.factor(layer)
    if factor != 1:  # it can go through the ReLU
        gain, shift = gain * factor, shift * factor
    y, mean, inverse = connected.normed(z, bias, gain, shift, [layer.norm])
    y = y.relu_().view(*feature.shape[:3], 1, -1)
    count = x.shape[1] * (length // feature.shape[2]) if layer.norm.training else 0
    return Undropped(y, x, z, mean, inverse, count)


def _drop(layer: recognise.Connected, it: Undropped, node_KBLC: Tensor, bias_KC: Tensor, noise: Noise) -> None:
    """Write the node, and let the statistics into the running ones."""
    wide = _by_position(node_KBLC, it.y.shape[2])
    mask = connected.drawn(layer, wide.shape, wide.dtype, noise)
    if mask is None:
        wide.copy_(it.y)
    else:
        torch.mul(it.y, mask, out=wide)
    if it.count:
        connected.update([layer.norm], it.mean + bias_KC, it.inverse, it.count)


def _by_position(node_KBLC: Tensor, positions: int) -> Tensor:
    """(K, B, positions, repeats, C)."""
    return node_KBLC.unflatten(2, (positions, -1))
