"""Skeletons of UTD-MHAD for HCN: the same place, direction, size and number of frames for everybody."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bmnas.tasks.utd_mhad.layout import Array
from bmnas.tasks.utd_mhad.timing import of_length, warped
from bmnas.tasks.utd_mhad.turning import random_rotations

FRAMES = 32
# Joints of the Kinect, counted from 0.
_NECK, _HIPS, _LEFT_SHOULDER, _RIGHT_SHOULDER = 1, 3, 4, 8
# Every clip begins with the person standing still; so many frames, averaged, say where and how.
_STANDING = 5


def prepared_skeleton(skeleton: Array) -> Tensor:
    """One clip (20, 3, T) in metres as (3, ``FRAMES``, 20, 1): the hips of the beginning are at the origin.

    The line of the shoulders at the beginning is the x axis, y points up, and the unit is the length of the trunk.
    Where the person goes from there stays visible.
    """
    joints = torch.from_numpy(skeleton).float().permute(1, 2, 0)
    standing = joints[:, :_STANDING].mean(dim=1)
    joints = joints - standing[:, None, _HIPS, None]
    trunk = (joints[:, :, _NECK] - joints[:, :, _HIPS]).norm(dim=0).median()
    joints = joints / trunk.clamp(min=1e-6)
    across = standing[:, _RIGHT_SHOULDER] - standing[:, _LEFT_SHOULDER]
    angle = math.atan2(across[2], across[0])
    cos, sin = math.cos(angle), math.sin(angle)
    x, y, z = joints
    return of_length(torch.stack([cos * x + sin * z, y, cos * z - sin * x]), FRAMES)[..., None]


def augmented_skeletons(skeletons: Tensor) -> Tensor:
    """The same clips (B, 3, T, V, M) by other people: turned, of other proportions, at another speed, less exact."""
    batch, device = len(skeletons), skeletons.device
    skeletons = warped(skeletons, crop=0.1, bend=0.2)
    # Mostly about the vertical axis: cameras stand level.
    rotations = random_rotations(batch, (7.0, 20.0, 7.0), device)
    skeletons = torch.einsum("bij,bjtvm->bitvm", rotations, skeletons)
    sizes = 1 + 0.1 * (torch.rand(batch, 3, 1, 1, 1, device=device) * 2 - 1)
    joints = 0.05 * torch.randn(batch, 3, 1, *skeletons.shape[3:], device=device)
    return skeletons * sizes + joints + 0.01 * torch.randn_like(skeletons)
