"""Sequences (B, C, T, ...) on another time axis: to a fixed length, and at random a little faster and slower."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def resampled(sequences: Tensor, positions: Tensor) -> Tensor:
    """The sequences at other points of time, linear between two frames.

    Args:
        sequences: (B, C, T, ...) with T at least 2.
        positions: (B, L), in frames; those before the first frame or after the last one read that frame.
    Returns: (B, C, L, ...).
    """
    frames = sequences.movedim(2, 1)
    last = frames.shape[1] - 1
    positions = positions.clamp(0, last)
    before = positions.floor().long().clamp(max=last - 1)
    weight = (positions - before).reshape(*positions.shape, *[1] * (frames.dim() - 2)).to(frames.dtype)
    batch = torch.arange(len(frames), device=frames.device)[:, None]
    return torch.lerp(frames[batch, before], frames[batch, before + 1], weight).movedim(1, 2)


def of_length(sequence: Tensor, length: int) -> Tensor:
    """One sequence (C, T, ...) at ``length`` evenly spaced points, the first and the last frame among them."""
    positions = torch.linspace(0, sequence.shape[1] - 1, length)
    return resampled(sequence[None], positions[None])[0]


def warped(sequences: Tensor, *, crop: float, bend: float) -> Tensor:
    """The sequences (B, C, T, ...), each cut at random at both ends and played at a speed that changes; same shape.

    Args:
        sequences: what is changed.
        crop: greatest share of the time that is cut off at each end.
        bend: how much the speed can change; at most 0.35, so that time never runs backwards.
    """
    batch, device = len(sequences), sequences.device
    time = torch.linspace(0, 1, sequences.shape[2], device=device)
    early, wave = (torch.rand(2, batch, 1, device=device) * 2 - 1) * torch.tensor(
        [[[bend]], [[bend / 4]]], device=device
    )
    time = time + early * torch.sin(math.pi * time) / math.pi + wave * torch.sin(2 * math.pi * time)
    start, cut = torch.rand(2, batch, 1, device=device) * crop
    return resampled(sequences, (start + time * (1 - start - cut)) * (sequences.shape[2] - 1))
