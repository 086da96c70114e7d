from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from bmnas.tasks.av_digits.augmentation import shift_images, shift_sounds


def shifts(sample: Tensor, shifted: Tensor, reach: int, axes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shifts of up to ``reach`` that make the one sample of the other."""
    candidates = product(range(-reach, reach + 1), repeat=len(axes))
    return [by for by in candidates if torch.equal(sample.roll(by, axes), shifted)]


def test_each_image_is_shifted_by_up_to_two_pixels() -> None:
    torch.manual_seed(0)
    images = torch.randn(200, 1, 7, 9)
    found = [shifts(*pair, reach=2, axes=(1, 2)) for pair in zip(images, shift_images(images), strict=True)]
    assert all(len(matching) == 1 for matching in found)
    assert len({matching[0] for matching in found}) == 25


def test_each_sound_is_shifted_in_time_by_up_to_five_frames() -> None:
    torch.manual_seed(0)
    sounds = torch.randn(200, 20, 4)
    found = [shifts(*pair, reach=5, axes=(0,)) for pair in zip(sounds, shift_sounds(sounds), strict=True)]
    assert all(len(matching) == 1 for matching in found)
    assert {matching[0] for matching in found} == {(by,) for by in range(-5, 6)}
