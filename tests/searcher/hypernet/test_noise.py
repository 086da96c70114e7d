"""Masks: how often they drop, and that each seed has its own."""

from __future__ import annotations

import pytest
import torch

from bmnas.searcher.hypernet.noise import Noise, kept_factor

CPU = torch.device("cpu")


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_mask_drops_as_often_as_asked(p, dtype):
    torch.manual_seed(0)
    mask = Noise(None, CPU).mask((3, 100_000), p, dtype)
    assert mask.dtype == dtype
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(mask.mean(1), torch.full((3,), 1 - p, dtype=dtype), rtol=0, atol=0.006)
    assert kept_factor(p) == pytest.approx(1 / (1 - p), rel=2e-4)


def test_masks_follow_each_other_and_differ():
    noise = Noise(None, CPU)
    first, second = (noise.mask((2, 999), 0.5, torch.float32) for _ in range(2))
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


def test_each_seed_draws_from_its_own_generator():
    def masks(*seeds: int) -> list[torch.Tensor]:
        noise = Noise([torch.Generator().manual_seed(seed) for seed in seeds], CPU)
        return [noise.mask((len(seeds), 5, 7), 0.5, torch.float32) for _ in range(2)]

    together = masks(4, 9)
    for k, seed in enumerate((4, 9)):
        for mask, alone in zip(together, masks(seed), strict=True):
            assert torch.equal(mask[k], alone[0])


def test_a_pass_after_another_draws_anew():
    generator = torch.Generator().manual_seed(0)
    first, second = (Noise([generator], CPU).mask((1, 50), 0.5, torch.float32) for _ in range(2))
    assert not torch.equal(first, second)
