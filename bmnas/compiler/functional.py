"""The mathematics of a fusion network as plain functions on tensors.

Axes: K independent seeds, B batch, L length (positions), C channels, O outputs, T any length. Inside a network nodes
lie as (B, L, C), so that a 1x1 convolution is one matrix product over all positions and nothing is transposed. Every
function also takes (K, B, L, C) with weights that carry the same leading K: then K independent networks are computed as
one. A compiled network has no K axis; a hypernet has one (K = 1 for one seed). Weights have PyTorch's own shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bmnas.compiler import by_seed
from bmnas.compiler.pooling import pool, stretch as stretch_columns

Masks = Callable[[Sequence[int], float, torch.dtype], tuple[Tensor, float]]
"""Gives for a shape, a probability and a type a mask of zeros and ones, and the factor that keeps the mean."""


def rows(feature: Tensor, reshape: str, length: int, *, seeds: bool = False) -> Tensor:
    """A feature, live or pooled, as rows: pooled to L positions, or to a divisor of L if it has so few.

    Args:
        feature: (B, C, *trailing) or (K, B, C, T): a pooled one of every seed.
        reshape: see `pooling.pool`.
        length: L.
        seeds: whether there is the axis K.

    Returns:
        (B, T, C) or (K, B, T, C), T a divisor of L.
    """
    if seeds:
        return rows(feature.flatten(0, 1), reshape, length).unflatten(0, feature.shape[:2])
    if reshape != "none":
        feature = pool(feature, reshape, length)
        if reshape == "grid":
            # Pooled in the channels-last layout, it is copied nowhere.
            return feature.permute(0, 2, 3, 1).flatten(1, 2).contiguous()
        if length % feature.shape[-1]:
            feature = stretch_columns(feature, length)
    # Copied here: of a transposed view, MKL's product takes up to ten times as long for a single sample.
    return feature.transpose(-1, -2).contiguous()


def stretch(x: Tensor, length: int) -> Tensor:
    """Every position repeated, (..., T, C) to (..., length, C), T a divisor of length.

    This is adaptive max pooling to a greater length, where it is that simple.
    """
    positions = x.shape[-2]
    if positions == length:
        return x
    if positions == 1:
        return x.expand(*x.shape[:-2], length, x.shape[-1])
    return x.repeat_interleave(length // positions, dim=-2)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same linear map at every position: a 1x1 convolution.

    Args:
        x: (B, L, C), or (K, B, L, C) with seeds; or without positions.
        weight: (O, C) or (K, O, C).
        bias: (O,) or (K, O).

    Returns:
        (B, L, O) or (K, B, L, O); or without positions.
    """
    if weight.dim() == 2:
        return F.linear(x, weight, bias)
    if len(weight) == 1:
        # squeeze, as the backward of an index fills a tensor with zeros.
        return F.linear(x.squeeze(0), weight.squeeze(0), None if bias is None else bias.squeeze(0)).unsqueeze(0)
    flat, columns = x.flatten(1, -2), weight.transpose(1, 2)
    if weight.shape[-1] >= 512:  # of narrow products, what the gradient's copy takes is less than a Python call
        y = by_seed.linear(flat, weight, bias)
    elif bias is None:
        y = torch.bmm(flat, columns)
    else:
        y = torch.baddbmm(bias.unsqueeze(1), flat, columns)
    return y.view(*x.shape[:-1], -1)


def scale(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """(x - mean) / std of each channel. x: (B, L, C) with (C,), or (K, B, L, C) with (K, C)."""
    if mean.dim() == 2:
        mean, std = mean[:, None, None], std[:, None, None]
    return (x - mean) / std


def batch_norm(
    x: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
    positions: int = 0,
) -> Tensor:
    """Batch norm over batch and positions, each channel (of each seed) by itself. x: (B, L, C) or (K, B, L, C).

    The statistics and weights are (C,) or (K, C); while ``training``, the running statistics are updated in place.

    Args:
        x: see above, and the others.
        running_mean: moving mean.
        running_var: moving unbiased variance.
        weight: by which is multiplied.
        bias: what is added.
        training: whether the batch's own statistics are used.
        momentum: the part of a batch's statistics in the running ones.
        eps: what is added to the variance.
        positions: to so many the L positions are repeated later, a multiple of L: the running variance is then what it
            is of the repeated ones, everything else is the same anyway.
    """
    if training and positions > x.shape[-2]:
        return _batch_norm_of_repeated(x, running_mean, running_var, weight, bias, momentum, eps, positions)
    if weight.dim() == 1 or len(weight) == 1:
        mean, var, gain, shift = (each.view(x.shape[-1]) for each in (running_mean, running_var, weight, bias))
        return F.batch_norm(x.flatten(0, -2), mean, var, gain, shift, training, momentum, eps).view(x.shape)
    if training:
        statistics = (running_mean, running_var, weight, bias)
        return by_seed.batch_norm(x.flatten(1, 2), *statistics, momentum, eps).view(x.shape)
    scale = weight * torch.rsqrt(running_var + eps)
    shift = bias - running_mean * scale
    return torch.addcmul(shift[:, None, None], x, scale[:, None, None])


def _batch_norm_of_repeated(
    x: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor,
    bias: Tensor,
    momentum: float,
    eps: float,
    positions: int,
) -> Tensor:
    """`batch_norm` in train mode of what is repeated to so many positions later."""
    rows, repeats = x.shape[-2] * x.shape[-3], positions // x.shape[-2]
    of_rows: dict[str, Any] = {"training": True, "momentum": momentum, "eps": eps}
    if rows == 1:  # of which there is no variance, but there is one of its repetitions
        y = batch_norm(stretch(x, positions), running_mean, running_var, weight, bias, **of_rows)
        return y[..., :1, :]
    updated = running_var.clone()
    y = batch_norm(x, running_mean, updated, weight, bias, **of_rows)
    # Unbiased, the variance of n rows has their squares over n - 1; that of r repeats, r times these over r n - 1.
    factor = (rows - 1) * repeats / (rows * repeats - 1)
    with torch.no_grad():
        running_var.mul_((1 - momentum) * (1 - factor)).add_(updated, alpha=factor)
    return y


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Layer norm over (L, C). x: (B, L, C) or (K, B, L, C); weight and bias: (C, L) or (K, C, L)."""
    weight, bias = (each.transpose(-1, -2).contiguous() for each in (weight, bias))
    if weight.dim() == 2:
        return F.layer_norm(x, weight.shape, weight, bias, eps)
    if len(weight) == 1:
        weight, bias = weight.squeeze(0), bias.squeeze(0)
        return F.layer_norm(x.squeeze(0), weight.shape, weight, bias, eps).unsqueeze(0)
    # What is without weights is one for all seeds.
    normed = F.layer_norm(x.flatten(0, 1), weight.shape[1:], eps=eps).view(x.shape)
    return torch.addcmul(bias.unsqueeze(1), normed, weight.unsqueeze(1))


def attention(query: Tensor, key: Tensor, value: Tensor, heads: int = 1) -> Tensor:
    """Scaled dot-product attention without projections: softmax(q kᵀ / √C) v; softmax is over the positions of k.

    Eq. 6 of BM-NAS (Yin et al., AAAI 2022) with x as query and y as key and value. With several heads each has its
    part of the channels, and C is the number in one part.

    Args:
        query: (..., L, C).
        key: (..., T, C).
        value: (..., T, C).
        heads: a divisor of C.

    Returns:
        (..., L, C).
    """
    if heads > 1:
        q, k, v = (split_heads(node, heads) for node in (query, key, value))
        return attention(q, k, v).transpose(-2, -3).flatten(-2)
    if query.dim() > 3:  # one product for all that is in front, without the copies of `torch.matmul`
        q, k, v = (node.flatten(0, -3) for node in (query, key, value))
        return attention(q, k, v).view(*query.shape[:-1], -1)
    scores = torch.bmm(query, key.transpose(-1, -2)) * query.shape[-1] ** -0.5
    return torch.bmm(scores.softmax(-1), value)


def split_heads(node: Tensor, heads: int) -> Tensor:
    """(..., L, C) to (..., heads, L, C / heads)."""
    return node.unflatten(-1, (heads, -1)).transpose(-2, -3)


def dropout(x: Tensor, p: float, *, training: bool, masks: Masks | None = None) -> Tensor:
    """Dropout of any shape, as `torch.nn.functional.dropout`; on the CPU with masks from 16-bit random numbers.

    PyTorch draws a Bernoulli number for each element there, which took a fifth of a training step. Here ``p`` is
    rounded to 1 / 65536. With ``masks``, they come from there.
    """
    if not training or p == 0:
        return x
    if masks is not None:
        mask, factor = masks(x.shape, p, x.dtype)
        return x * mask.mul_(factor)
    dropped = round(65536 * p)
    if x.device.type != "cpu" or p > 0.99 or torch.compiler.is_compiling():
        return F.dropout(x, p, training)
    return x * _keep_mask(x.shape, dropped).to(x.dtype).mul_(65536 / (65536 - dropped))


def rectified_dropout(x: Tensor, p: float, *, training: bool, masks: Masks | None = None) -> Tensor:
    """Dropout of max(x, 0), in which training keeps the result alone."""
    if not training or p == 0 or masks is None:
        return dropout(torch.relu(x), p, training=training, masks=masks)
    mask, factor = masks(x.shape, p, x.dtype)
    y: Tensor = _RectifiedDropout.apply(x, mask, factor)
    return y


class _RectifiedDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, factor: float) -> Tensor:
        y = torch.relu(x).mul_(mask.mul_(factor))
        ctx.save_for_backward(y)
        ctx.factor = factor
        return y

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (y,) = ctx.saved_tensors
        # Zero where either made it zero.
        return torch.ops.aten.threshold_backward(grad_outputs[0], y, 0).mul_(ctx.factor), None, None


def _keep_mask(shape: torch.Size, dropped: int) -> Tensor:
    count = shape.numel()
    # As many random bits at a time as there are in an int64: random_ on int16 itself is six times slower.
    bits = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    return bits[:count].view(shape) >= dropped - 32768


def glu(x: Tensor) -> Tensor:
    """The first half of the channels, times the sigmoid of the second: (..., L, 2C) to (..., L, C)."""
    return F.glu(x, dim=-1)


def flatten(x: Tensor) -> Tensor:
    """(..., L, C) to (..., C·L): one channel after the other, as the paper's released code lays a node out."""
    return x.transpose(-1, -2).flatten(-2)


def weighted_sum(nodes: Sequence[Tensor], weights: Tensor, begun: Tensor | None = None) -> Tensor:
    """begun + Σ weights[:, e] · nodes[e]: a mixed node of the hypernet (Eq. 2).

    Args:
        nodes: E tensors (K, B, L, C).
        weights: (K, E).
        begun: (K, B, L, C), or nothing.

    Returns:
        (K, B, L, C).
    """
    own = {id(node): node for node in nodes}
    if len(own) < len(nodes):  # what is there twice is read once
        places = [[e for e, node in enumerate(nodes) if id(node) == key] for key in own]
        weights = torch.stack([weights[:, place].sum(1) for place in places], 1)
    total: Tensor = _WeightedSum.apply(weights, begun, *own.values())
    return total


class _WeightedSum(torch.autograd.Function):
    """In place, and with inner products for the weights' gradient, which PyTorch's own would first write out."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, begun: Tensor | None, *nodes: Tensor) -> Tensor:
        ctx.save_for_backward(weights, *nodes)
        first, *others = _by_node(weights)
        total = nodes[0] * first if begun is None else torch.addcmul(begun, nodes[0], first)
        for node, weight in zip(nodes[1:], others, strict=True):
            total = total.addcmul_(node, weight) if total.dtype == node.dtype else torch.addcmul(total, node, weight)
        return total

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (dtotal,) = grad_outputs
        weights, *nodes = ctx.saved_tensors
        dweights = None
        if ctx.needs_input_grad[0]:
            dweights = torch.stack([_inner(dtotal, node) for node in nodes], 1)
        pairs = zip(_by_node(weights), ctx.needs_input_grad[2:], strict=True)
        dnodes = [dtotal * weight if needed else None for weight, needed in pairs]
        return dweights, dtotal if ctx.needs_input_grad[1] else None, *dnodes


def _by_node(weights: Tensor) -> list[Tensor]:
    return [weight.view(-1, 1, 1, 1) for weight in weights.unbind(1)]


def _inner(x: Tensor, y: Tensor) -> Tensor:
    """The inner product of each seed's part, (K,)."""
    if x.dtype != y.dtype:
        return (x * y).sum((1, 2, 3))
    if len(x) == 1:
        return torch.dot(x.reshape(-1), y.reshape(-1)).unsqueeze(0)
    return torch.bmm(x.reshape(len(x), 1, -1), y.reshape(len(y), -1, 1)).view(-1)


def weighted_sums(nodes: Sequence[Tensor], weights: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Several sums of the same nodes, each as `weighted_sum` gives it, in one product."""
    flat, rows = torch.stack(list(nodes), 1).flatten(2), torch.stack(list(weights), 1)
    return torch.bmm(rows, flat).view(*rows.shape[:2], *nodes[0].shape[1:]).unbind(1)
