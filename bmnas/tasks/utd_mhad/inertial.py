"""Inertial readings of UTD-MHAD for the 1D CNN: a fixed length, and channels of mean 0 and spread 1."""

from __future__ import annotations

import torch
from torch import Tensor

from bmnas.tasks.utd_mhad.layout import Array
from bmnas.tasks.utd_mhad.timing import of_length, warped
from bmnas.tasks.utd_mhad.turning import random_rotations

READINGS = 96
CHANNELS = 6


def prepared_inertial(readings: Array) -> Tensor:
    """One clip (T, 6) as (6, ``READINGS``), in the units of the sensors."""
    return of_length(torch.from_numpy(readings).float().T, READINGS)


def mean_and_spread(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the readings (N, 6, L) by channel, (6, 1) each."""
    readings = clips.transpose(0, 1).flatten(1)
    return readings.mean(dim=1)[:, None], readings.std(dim=1).clamp(min=1e-6)[:, None]


def augmented_inertial(readings: Tensor) -> Tensor:
    """The same clips (B, 6, L) by other people: a sensor worn a little turned, other speed and strength."""
    batch, device = len(readings), readings.device
    readings = warped(readings, crop=0.2, bend=0.33)
    rotations = random_rotations(batch, (25.0, 25.0, 25.0), device)
    # One rotation for both sensors: they sit in one case.
    vectors = readings.unflatten(1, (2, 3))
    turned = torch.einsum("bij,bsjt->bsit", rotations, vectors).flatten(1, 2)
    sizes = 1 + 0.2 * (torch.rand(batch, CHANNELS, 1, device=device) * 2 - 1)
    return turned * sizes + 0.05 * torch.randn_like(readings)
