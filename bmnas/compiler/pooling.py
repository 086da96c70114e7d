"""The parameter-free half of a reshape layer (section 3.1 of the paper): a feature of any size to L positions.

Axes: B batch, C channels, T any length, L length of the representation. A feature store keeps what `pool` returns. The
file is a part of every store's fingerprint, so only what determines stored numbers belongs here.
"""

from __future__ import annotations

from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor


def pool(feature: Tensor, reshape: str, length: int, lengths: Tensor | None = None) -> Tensor:
    """The parameter-free half of a reshape layer: adaptive max pooling of the trailing axes.

    Args:
        feature: (B, C), (B, C, T) or (B, C, T, ...): a live feature, or one that is already pooled.
        reshape: ``"sequence"``: the first trailing axis is pooled to ``length``, the others to 1; ``"grid"``: two
            trailing axes are pooled to (√length, √length); ``"none"``: the feature is used as it is.
        length: L, in positions.
        lengths: of a sequence, how many of the T positions each sample has, (B,) from 1 to T, where the others are
            padding; no number of these has any effect.

    Returns:
        (B, C, min(T, length)) for a sequence, (B, C, length) for one with lengths, (B, C, s, s) for a grid: what a
        feature store keeps. Pooling the result again changes nothing, so stored and live features give the same
        numbers.
    """
    if reshape == "none":
        return feature
    if reshape == "grid":
        side = isqrt(length)
        grid = feature.reshape(*feature.shape, *[1] * (4 - feature.dim()))
        if grid.shape[2:] == (side, side):
            return grid
        # In this layout PyTorch works on many channels at a time: up to seven times as fast, the same numbers.
        return F.adaptive_max_pool2d(grid.contiguous(memory_format=torch.channels_last), side)
    sequence = (
        feature.unsqueeze(-1) if feature.dim() == 2 else feature.flatten(3).amax(-1) if feature.dim() > 3 else feature
    )
    if lengths is not None:
        return _without_padding(sequence, length, lengths)
    return F.adaptive_max_pool1d(sequence, length) if sequence.shape[-1] > length else sequence


def stretch(pooled: Tensor, length: int) -> Tensor:
    """A pooled feature as (..., C, length): a grid is flattened, a sequence that is too short repeats its positions.

    Repeating follows adaptive max pooling to a greater length, of which this is the second half.
    """
    if pooled.shape[-1] == length:
        return pooled
    positions = pooled.shape[-1]
    if positions == 1:
        return pooled.expand(*pooled.shape[:-1], length)
    if length % positions == 0:
        return pooled.repeat_interleave(length // positions, dim=-1)
    flat = pooled.reshape(-1, *pooled.shape[-2:])
    return F.adaptive_max_pool1d(flat, length).reshape(*pooled.shape[:-1], length)


def _without_padding(sequence: Tensor, length: int, lengths: Tensor) -> Tensor:
    """The first ``lengths[b]`` positions of each sample of (B, C, T), pooled or repeated to (B, C, length)."""
    pooled = sequence.new_empty(*sequence.shape[:2], length)
    for there in lengths.unique().tolist():
        # Samples of one length at a time, so that each is pooled as it is without padding, to the last bit.
        samples = (lengths == there).nonzero().flatten().to(sequence.device)
        pooled[samples] = F.adaptive_max_pool1d(sequence[samples, :, :there], length)
    return pooled
