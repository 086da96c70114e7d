"""Pooling: PyTorch's adaptive max pooling, in two halves of which the first can be stored."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st
from torch.nn import functional as F

from bmnas.compiler.pooling import pool, stretch


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


shapes = st.lists(st.integers(1, 9), min_size=0, max_size=3)


@given(shapes, st.integers(1, 12))
def test_pooling_a_sequence_twice_is_pooling_it_once(trailing, length):
    feature = randn(2, 3, *trailing)
    pooled = pool(feature, "sequence", length)
    assert pooled.shape[:2] == (2, 3)
    assert pooled.shape[2] == min(trailing[0] if trailing else 1, length)
    torch.testing.assert_close(pool(pooled, "sequence", length), pooled, rtol=0, atol=0)


@given(shapes, st.integers(1, 12))
def test_a_sequence_is_adaptive_max_pooling_of_the_first_trailing_axis(trailing, length):
    feature = randn(2, 3, *trailing)
    plane = feature.reshape(2, 3, trailing[0] if trailing else 1, -1)
    expected = F.adaptive_max_pool2d(plane, (length, 1)).squeeze(-1)
    ours = stretch(pool(feature, "sequence", length), length)
    torch.testing.assert_close(ours, expected, rtol=0, atol=0)


@pytest.mark.parametrize("trailing", [(), (5,), (8, 6), (2, 2), (1, 9)])
def test_a_grid_is_adaptive_max_pooling_to_a_square(trailing):
    feature = randn(2, 3, *trailing)
    plane = feature.reshape(2, 3, *trailing, *[1] * (2 - len(trailing)))
    pooled = pool(feature, "grid", 9)
    torch.testing.assert_close(pooled, F.adaptive_max_pool2d(plane, 3), rtol=0, atol=0)
    torch.testing.assert_close(pool(pooled, "grid", 9), pooled, rtol=0, atol=0)


def test_padding_after_the_lengths_has_no_effect():
    feature = torch.randn(5, 3, 7) - 4
    lengths = torch.tensor([1, 7, 3, 3, 5])
    alone = [stretch(pool(row[None, :, :there], "sequence", 4), 4) for row, there in zip(feature, lengths, strict=True)]
    for padding in (0.0, 9.0, -9.0):
        padded = torch.where(torch.arange(7) < lengths[:, None, None], feature, padding)
        pooled = pool(padded, "sequence", 4, lengths)
        assert torch.equal(pooled, torch.cat(alone))
        assert torch.equal(pool(pooled, "sequence", 4), pooled)
