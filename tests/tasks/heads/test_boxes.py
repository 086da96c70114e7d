"""Laws of boxes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.tasks.heads import changed, changes, clipped, ground_targets, overlap

numbers = st.floats(0, 200, allow_nan=False)
sides = st.floats(1, 150, allow_nan=False)


@st.composite
def boxes(draw) -> torch.Tensor:
    x, y, width, height = (draw(each) for each in (numbers, numbers, sides, sides))
    return torch.tensor([x, y, x + width, y + height], dtype=torch.float64)


@given(boxes(), boxes())
def test_a_change_leads_from_one_box_to_the_other(one, other):
    found = changed(one, changes(one, other))
    # The released code counts the last pixel of a box when it takes its size, and not when it gives a box back.
    torch.testing.assert_close(found - torch.tensor([0, 0, 1, 1]), other, rtol=1e-9, atol=1e-7)


@given(boxes(), boxes())
def test_overlap_is_a_share_and_the_same_both_ways(one, other):
    shared = overlap(one, other)
    assert 0 <= shared <= 1
    assert shared == pytest.approx(overlap(other, one))
    assert overlap(one, one) == pytest.approx(1)


@given(boxes(), sides, sides)
def test_a_clipped_box_lies_in_its_image_and_stays_there(box, width, height):
    size = torch.tensor([width + 1, height + 1], dtype=torch.float64)
    found = clipped(box, size)
    assert (found >= 0).all()
    assert (found[[0, 2]] <= size[0] - 1 + 1e-9).all()
    assert (found[[1, 3]] <= size[1] - 1 + 1e-9).all()
    torch.testing.assert_close(clipped(found, size), found, rtol=0, atol=0)


@given(st.lists(boxes(), min_size=1, max_size=5), boxes())
def test_targets_are_a_distribution_over_near_regions(regions, truth):
    found = ground_targets(torch.stack(regions)[None], truth[None])
    near = overlap(torch.stack(regions), truth) >= 0.5
    assert found.has_changes[0].tolist() == near.tolist()
    assert bool(found.has_scores[0]) == bool(near.any())
    assert found.scores[0].sum() == pytest.approx(float(near.any()))
    assert ((found.scores[0] > 0) == near).all()


def test_padding_has_no_targets():
    regions, truth = torch.tensor([[[0.0, 0, 9, 9], [0, 0, 9, 9]]]), torch.tensor([[0.0, 0, 9, 9]])
    found = ground_targets(regions, truth, torch.tensor([[True, False]]))
    assert found.scores.tolist() == [[1, 0]]
    assert found.has_changes.tolist() == [[True, False]]
