from __future__ import annotations

import torch

from bmnas.taps import run_taps
from bmnas.tasks.models.inertial_cnn import InertialCNN


def test_taps_keep_the_time_axis_and_shorten_it() -> None:
    network = InertialCNN(5, channels=6, width=8).eval()
    readings = torch.randn(3, 6, 96)
    taps = run_taps(network, {name: name for name in ("block1", "block2", "block3", "block4")}, readings)
    assert [tuple(tensor.shape) for tensor in taps.values()] == [(3, 8, 48), (3, 16, 24), (3, 32, 12), (3, 32, 6)]
    assert network(readings).shape == (3, 5)


def test_it_can_tell_an_action_from_the_same_action_backwards() -> None:
    torch.manual_seed(0)
    network = InertialCNN(5, width=8).eval()
    readings = torch.randn(3, 6, 64)
    assert not torch.allclose(network(readings), network(readings.flip(2)))
