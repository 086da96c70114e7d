"""Random rotations of vectors in space."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def random_rotations(batch: int, degrees: tuple[float, float, float], device: torch.device) -> Tensor:
    """Rotation matrices (B, 3, 3), each by random angles about the x, the y and the z axis, up to so many degrees."""
    limits = torch.tensor(degrees, device=device) * (math.pi / 180)
    angles = (torch.rand(batch, 3, device=device) * 2 - 1) * limits
    about_x, about_y, about_z = (_about(axis, angles[:, axis]) for axis in range(3))
    return about_z @ about_y @ about_x


def _about(axis: int, angles: Tensor) -> Tensor:
    matrices = torch.eye(3, device=angles.device).repeat(len(angles), 1, 1)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    cos, sin = angles.cos(), angles.sin()
    matrices[:, first, first], matrices[:, first, second] = cos, -sin
    matrices[:, second, first], matrices[:, second, second] = sin, cos
    return matrices
