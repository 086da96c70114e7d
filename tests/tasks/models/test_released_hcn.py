"""The released HCN: golden numbers, taps, and what it does not depend on."""

from __future__ import annotations

import pytest
import torch

from bmnas.taps import run_taps
from bmnas.tasks.models.released_hcn import ReleasedHCN
from tests.paper_golden import backbones, compare, fill, input_of
from tests.tasks.models.golden_step import check_step

TAG = "ntu-skeleton"
TAPS = {
    "conv4": "conv4_bodies",
    "tap1": "conv5_bodies",
    "tap2": "conv6_bodies",
    "tap3": "flat",
    "tap4": "fc7",
    "logits": "fc8",
}


def test_it_computes_the_golden_numbers() -> None:
    module = ReleasedHCN(60).eval()
    fill(module, TAG)
    with torch.no_grad():
        outputs = run_taps(module, TAPS, input_of(TAG, "paper"))
    assert compare(TAG, "paper", outputs) < 1e-12


def test_it_trains_by_the_golden_numbers() -> None:
    module = ReleasedHCN(60, dropout=0.0)
    fill(module, TAG)
    check_step(TAG, "train", module, lambda: run_taps(module, TAPS, input_of(TAG, "train")))


def test_it_has_as_many_parameters_as_the_released_network() -> None:
    module = ReleasedHCN(60)
    assert sum(parameter.numel() for parameter in module.parameters()) == backbones()[TAG]["parameters"] == 1_062_652
    assert list(module.state_dict()) == list(backbones()[TAG]["state_dict"])


def test_the_order_of_bodies_makes_no_difference() -> None:
    module = ReleasedHCN(5).eval()
    clips = torch.randn(2, 3, 32, 25, 2)
    torch.testing.assert_close(module(clips), module(clips.flip(4)))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 16, 25, 2\), not \(3, 32, 25, 2\)"):
        ReleasedHCN(5)(torch.randn(2, 3, 16, 25, 2))
