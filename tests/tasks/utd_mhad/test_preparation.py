"""What the preparation of each modality makes equal, what it keeps, and what the augmentation may change."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor, nn

from bmnas.tasks.utd_mhad.depth import augmented_depth, prepared_depth
from bmnas.tasks.utd_mhad.inertial import augmented_inertial, mean_and_spread, prepared_inertial
from bmnas.tasks.utd_mhad.layout import Clip
from bmnas.tasks.utd_mhad.reduced_depth import reduce_depth
from bmnas.tasks.utd_mhad.skeleton import augmented_skeletons, prepared_skeleton
from bmnas.tasks.utd_mhad.timing import of_length, resampled, warped
from bmnas.tasks.utd_mhad.turning import random_rotations
from tests.tasks.utd_mhad.made_up import depth, inertial, skeleton

CLIP = Clip(1, 1, 1)


def test_resampling_is_linear_and_stays_within_the_clip() -> None:
    ramp = torch.arange(5.0).expand(2, 3, 5)[..., None]
    positions = torch.tensor([[-1.0, 0.0, 0.25, 3.5, 9.0]]).expand(2, 5)
    expected = torch.tensor([0.0, 0.0, 0.25, 3.5, 4.0]).expand(2, 3, 5)
    torch.testing.assert_close(resampled(ramp, positions)[..., 0], expected)
    assert of_length(ramp[0], 9)[0, :, 0].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.35), st.floats(0, 0.4), st.integers(2, 40))
def test_warped_time_never_runs_backwards(seed: int, bend: float, crop: float, length: int) -> None:
    torch.manual_seed(seed)
    time = torch.linspace(0, 1, length).expand(4, 1, length)
    played = warped(time, crop=crop, bend=bend)[:, 0]
    assert (played.diff(dim=1) >= -1e-6).all()
    assert (played[:, 0] <= crop + 1e-6).all()
    assert (played[:, -1] >= 1 - crop - 1e-6).all()


def test_a_skeleton_is_the_same_wherever_the_person_stands_and_however_tall() -> None:
    joints = skeleton(CLIP)
    angle = 0.7
    turn = np.array([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])
    elsewhere = 1.3 * np.einsum("ij,vjt->vit", turn, joints) + np.array([0.5, -0.2, 1.0])[:, None]
    prepared = prepared_skeleton(joints)
    assert prepared.shape == (3, 32, 20, 1)
    torch.testing.assert_close(prepared_skeleton(elsewhere), prepared, atol=1e-4, rtol=1e-4)


def test_where_a_person_goes_stays_visible() -> None:
    joints = skeleton(CLIP, frames=20)
    joints[:, 0, 10:] += 1.0  # a step of a metre to the right, twice the trunk
    hips = prepared_skeleton(joints)[:, :, 3, 0]
    assert (hips[:, -1] - hips[:, 0]).norm() > 1.0


def test_inertial_clips_get_one_length_and_keep_the_units_of_the_sensors() -> None:
    readings = inertial(CLIP, readings=191)
    prepared = prepared_inertial(readings)
    assert prepared.shape == (6, 96)
    np.testing.assert_allclose(prepared[:, [0, -1]].T, readings[[0, -1]], rtol=1e-5)
    np.testing.assert_allclose(prepared[:, 47], readings[94], rtol=1e-4)


def test_mean_and_spread_are_those_of_each_channel() -> None:
    clips = torch.stack([prepared_inertial(inertial(Clip(1, 1, trial))) for trial in range(20)]) + 3
    mean, spread = mean_and_spread(clips)
    readings = ((clips - mean) / spread).transpose(0, 1).flatten(1)
    torch.testing.assert_close(readings.mean(dim=1), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(readings.std(dim=1), torch.ones(6))
    assert all(tensor.isfinite().all() for tensor in mean_and_spread(torch.zeros(2, 6, 9)))


def test_depth_is_cut_around_the_person_and_relative_to_the_person() -> None:
    reduced = reduce_depth(depth(CLIP))
    prepared = prepared_depth(reduced)
    assert prepared.shape == (1, 16, 60, 48)
    assert (prepared > 0).sum() == (reduced > 0).sum()  # nothing of the person is cut off
    assert prepared.median() == 0
    assert prepared[prepared > 0].median() == 1
    assert prepared.max() > 1.5  # the arm is nearer
    moved_and_farther = np.where(reduced > 0, reduced + 20, 0).astype(np.uint8)[
        :, :, list(range(70, 80)) + list(range(70))
    ]
    torch.testing.assert_close(prepared_depth(moved_and_farther), prepared)


def test_a_depth_clip_without_a_person_is_all_zero() -> None:
    assert not prepared_depth(np.zeros((16, 60, 80), dtype=np.uint8)).any()


def test_rotations_turn_and_neither_stretch_nor_mirror() -> None:
    torch.manual_seed(0)
    rotations = random_rotations(50, (0.0, 90.0, 0.0), torch.device("cpu"))
    torch.testing.assert_close(rotations @ rotations.mT, torch.eye(3).expand(50, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(50))
    torch.testing.assert_close(rotations[:, 1], torch.tensor([0.0, 1.0, 0.0]).expand(50, 3))  # y stays
    assert rotations[:, 0, 0].min() < 0.5
    assert rotations[:, 0, 0].min() >= 0  # no farther than 90 degrees


@pytest.mark.parametrize(
    ("augment", "shape", "smooth"),
    [
        (augmented_skeletons, (4, 3, 32, 20, 1), (4, 3, 2, 20, 1)),
        (augmented_inertial, (4, 6, 96), (4, 6, 2)),
        (augmented_depth, (4, 1, 16, 60, 48), (4, 1, 2, 3, 3)),
    ],
)
def test_augmentation_changes_each_sample_a_little_and_follows_the_seed(
    augment: Callable[[Tensor], Tensor], shape: tuple[int, ...], smooth: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    # Random samples that change slowly along time and, as images, along space.
    mode = "linear" if len(shape) == 3 else "trilinear"
    batch = nn.functional.interpolate(torch.randn(smooth), shape[2:], mode=mode)
    before = batch.clone()
    torch.manual_seed(1)
    first, second = augment(batch), augment(batch)
    torch.manual_seed(1)
    torch.testing.assert_close(augment(batch), first)
    assert torch.equal(batch, before)
    assert first.shape == shape
    assert not torch.equal(first, second)
    # Nearer to the sample that it comes from than to any other.
    distances = torch.cdist(first.flatten(1), batch.flatten(1))
    assert distances.argmin(dim=1).tolist() == [0, 1, 2, 3]
