"""All reshape layers of a hypernet, and the sums of the features that its cells read, as one autograd node.

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
from bmnas.searcher.hypernet.fused.scratch import scratch


@dataclass
class Undropped:
    """A reshaped feature before its dropout.

    Attributes:
        y: (K, B, T, 1, C), T a divisor of L.
        mean: of the product with the weight, (K, C).
        inverse: 1 / σ of it, (K, C).
        count: how many rows these stand for; 0 where they are the running ones.
    """

    y: Tensor
    mean: Tensor
    inverse: Tensor
    count: int


@dataclass
class Kept:
    """What the backward of a layer needs: its input and their product with the weight, (K, R, ...), and statistics."""

    x: Tensor
    z: Tensor
    mean: Tensor
    inverse: Tensor
    positions: int


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

    def __call__(self, features: Sequence[Tensor], weights_KSJ: Tensor, noise: Noise) -> Tensor:
        """Sums of the features as nodes, (K, S, B, L, C).

        Args:
            features: each (K, B, T, channels), T a divisor of L.
            weights_KSJ: those of the features in each sum.
            noise: gives the masks.
        """
        out: Tensor = _Reshape.apply(self, noise, len(features), weights_KSJ, *features, *self._tensors())
        return out

    @torch.no_grad()
    def prepare(self, features: Sequence[Tensor]) -> list[Undropped | Tensor]:
        """What comes before the dropout. The running statistics learn of it in `dropped`."""
        own = self._tensors()
        found: list[Undropped | Tensor] = []
        for feature, kind in zip(features, self.kinds, strict=True):
            if isinstance(kind, recognise.Connected):
                found.append(_undropped(kind, feature, own[: connected.PARAMETERS], self.length)[0])
                del own[: connected.PARAMETERS]
            else:
                found.append(feature.unsqueeze(3))
        return found

    @torch.no_grad()
    def dropped(self, features: Sequence[Undropped | Tensor], noise: Noise) -> Tensor:
        """The features of `prepare` as nodes of one tensor, (K, J, B, L, C), as if they were computed anew.

        There are no gradients for the layers.
        """
        bias = iter(self._tensors()[1 :: connected.PARAMETERS])
        nodes = self.empty(features[0].y if isinstance(features[0], Undropped) else features[0])
        for j, (feature, kind) in enumerate(zip(features, self.kinds, strict=True)):
            if isinstance(feature, Undropped):
                assert isinstance(kind, recognise.Connected)
                _drop(kind, feature, nodes[:, j], next(bias), noise)
            else:
                _by_position(nodes[:, j], feature.shape[2]).copy_(feature)
        return nodes

    def empty(self, like: Tensor, channels: int | None = None) -> Tensor:
        """Where the nodes go, for a feature (K, B, ..., C)."""
        return like.new_empty(*like.shape[:1], len(self.kinds), like.shape[1], self.length, channels or like.shape[-1])

    def _tensors(self) -> list[Tensor]:
        return connected.parameters([kind for kind in self.kinds if isinstance(kind, recognise.Connected)])


class _Reshape(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, layers: FusedReshapes, noise: Noise, count: int, weights_KSJ: Tensor, *tensors: Tensor
    ) -> Tensor:
        own = tensors[count:]
        ctx.gains, ctx.weights, ctx.kept = own[2 :: connected.PARAMETERS], own[0 :: connected.PARAMETERS], []
        ctx.factors = [connected.factor(kind) for kind in layers.kinds if isinstance(kind, recognise.Connected)]
        ctx.nodes = layers.empty(tensors[0], own[0].shape[-2] if own else None)
        # One feature after the other, so that what is worked on stays in the processor's cache; also backward.
        for j, (feature, kind) in enumerate(zip(tensors, layers.kinds, strict=False)):
            if not isinstance(kind, recognise.Connected):
                _by_position(ctx.nodes[:, j], feature.shape[2]).copy_(feature.unsqueeze(3))
                ctx.kept.append(None)
                continue
            before, kept = _undropped(kind, feature, own[: connected.PARAMETERS], layers.length)
            _drop(kind, before, ctx.nodes[:, j], own[1], noise)
            own = own[connected.PARAMETERS :]
            ctx.kept.append(kept)
        ctx.sums = weights_KSJ
        return kernels.sums(ctx.nodes, weights_KSJ)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dsums: Tensor) -> tuple[Any, ...]:
        nodes, dsums = ctx.nodes, dsums.contiguous()
        dfeatures: list[Tensor | None] = []
        gradients: list[Tensor | None] = []
        layers = iter(zip(ctx.weights, ctx.gains, ctx.factors, strict=True))
        for j, kept in enumerate(ctx.kept):
            needed, share = ctx.needs_input_grad[4 + j], ctx.sums[..., j].unsqueeze(1)
            if kept is None:
                dfeatures.append(kernels.sums(dsums, share).squeeze(1) if needed else None)
                continue
            weight, gain, factor = next(layers)
            dy = kernels.sums(dsums, share, out=scratch(nodes[:, j].shape, nodes)).squeeze(1)
            # Zero where ReLU or dropout made it zero; what is repeated gets the sum.
            kernels.rectified_backward(dy, nodes[:, j], dy)
            seeds, batch, length = dy.shape[:3]
            if kept.positions < length:
                dy = _by_position(dy, kept.positions).sum(3)
            dy = dy.view(kept.z.shape)
            dgain, dshift = kernels.batch_norm_backward_(dy, kept.z, kept.mean, kept.inverse, gain, factor)
            gradients += [kernels.product_of_rows(dy, kept.x), torch.zeros_like(dshift), dgain, dshift]
            dx = kernels.product(dy, weight.transpose(1, 2)) if needed else None
            dfeatures.append(None if dx is None else dx.view(seeds, batch, kept.positions, -1))
        dweights = None
        if ctx.needs_input_grad[3]:
            dweights = torch.bmm(dsums.flatten(2), nodes.flatten(2).transpose(1, 2))
        return None, None, None, dweights, *dfeatures, *gradients


def _undropped(
    layer: recognise.Connected, feature: Tensor, own: Sequence[Tensor], length: int
) -> tuple[Undropped, Kept]:
    weight, bias, gain, shift = own
    x = feature.flatten(1, 2)
    z = kernels.product(x, weight)
    factor = connected.factor(layer)
    if factor != 1:  # it can go through the ReLU
        gain, shift = gain * factor, shift * factor
    y, mean, inverse = connected.normed(z, bias, gain, shift, [layer.norm])
    y = y.relu_().view(*feature.shape[:3], 1, -1)
    count = x.shape[1] * (length // feature.shape[2]) if layer.norm.training else 0
    return Undropped(y, mean, inverse, count), Kept(x, z, mean, inverse, feature.shape[2])


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
