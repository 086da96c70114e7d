"""The mathematics of a fusion network as plain functions on tensors.

Axes: K independent seeds, B batch, C channels, L length (positions), O outputs, T any length. Every function takes
nodes as (B, C, L), and also as (K, B, C, L) with weights that carry the same leading K: then K independent networks are
computed as one. A compiled network has no K axis; a hypernet has one (K = 1 for one seed).
"""

from __future__ import annotations

from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same linear map at every position: a 1x1 convolution.

    Args:
        x: (B, C, L) or (K, B, C, L).
        weight: (O, C) or (K, O, C).
        bias: (O,) or (K, O).

    Returns:
        (B, O, L) or (K, B, O, L).
    """
    if weight.dim() == 2:
        # As one matrix product over all positions, which conv1d does not make of a kernel of 1 on every device.
        return F.linear(x.transpose(1, 2), weight, bias).transpose(1, 2)
    seeds, batch, channels, length = x.shape
    columns = x.transpose(1, 2).reshape(seeds, channels, batch * length)
    y = torch.bmm(weight, columns) if bias is None else torch.baddbmm(bias.unsqueeze(-1), weight, columns)
    return y.view(seeds, -1, batch, length).transpose(1, 2)


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
) -> Tensor:
    """Batch norm over batch and positions, each channel (of each seed) by itself. x: (B, C, L) or (K, B, C, L).

    The statistics and weights are (C,) or (K, C); while ``training``, the running statistics are updated in place.
    """
    if x.dim() == 3:
        return F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    seeds, batch, channels, length = x.shape
    flat = x.transpose(0, 1).reshape(batch, seeds * channels, length)
    # view, not reshape: the running statistics must be updated where they are.
    mean, var = running_mean.view(-1), running_var.view(-1)
    y = F.batch_norm(flat, mean, var, weight.view(-1), bias.view(-1), training, momentum, eps)
    return y.view(batch, seeds, channels, length).transpose(0, 1)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Layer norm over (C, L). x: (B, C, L) or (K, B, C, L); weight and bias: (C, L) or (K, C, L)."""
    if weight.dim() == 2:
        return F.layer_norm(x, weight.shape, weight, bias, eps)
    normal = F.layer_norm(x, weight.shape[1:], eps=eps)
    return torch.addcmul(bias.unsqueeze(1), normal, weight.unsqueeze(1))


def attention(query: Tensor, key: Tensor, value: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention without projections: softmax(q kᵀ / √C) v; softmax is over the positions of k.

    Eq. 6 of BM-NAS (Yin et al., AAAI 2022) with x as query and y as key and value. Leading axes (seeds, batch, heads)
    are computed side by side.

    Args:
        query: (..., C, L).
        key: (..., C, T).
        value: (..., C, T); the key if left out.

    Returns:
        (..., C, L).
    """
    scores = torch.matmul(query.transpose(-1, -2), key) / sqrt(query.shape[-2])
    return torch.matmul(key if value is None else value, scores.softmax(-1).transpose(-1, -2))


def weighted_sum(nodes: list[Tensor], weights: Tensor) -> Tensor:
    """Σ weights[..., i] · nodes[i]: a mixed input of the hypernet (Eq. 2).

    Args:
        nodes: E tensors (K, B, C, L).
        weights: (K, E).

    Returns:
        (K, B, C, L).
    """
    return torch.einsum("ekbcl,ke->kbcl", torch.stack(nodes), weights)
