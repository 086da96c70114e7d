from __future__ import annotations

import pytest
import torch

from bmnas.taps import run_taps
from bmnas.tasks.models.depth_cnn import DepthCNN


@pytest.mark.parametrize(("height", "width"), [(60, 48), (60, 80)])
def test_taps_keep_the_frames_apart_until_time_is_mixed(height: int, width: int) -> None:
    network = DepthCNN(5, width=4).eval()
    clip = torch.randn(2, 1, 16, height, width)
    taps = run_taps(network, {name: name for name in ("frame1", "frame2", "frames", "time")}, clip)
    assert {name: tuple(tensor.shape[:3]) for name, tensor in taps.items()} == {
        "frame1": (2, 4, 16),
        "frame2": (2, 8, 16),
        "frames": (2, 32, 16),
        "time": (2, 32, 8),
    }
    assert network(clip).shape == (2, 5)
    # A frame reaches its own features, and by its motion those of the frame before, but no other.
    changed = clip.clone()
    changed[:, :, 9] += 1
    moved = run_taps(network, {"frames": "frames"}, changed)["frames"] != taps["frames"]
    assert moved.any(dim=1).any(dim=0).nonzero().flatten().tolist() == [8, 9]


def test_motion_is_seen() -> None:
    torch.manual_seed(0)
    network = DepthCNN(5, width=4).eval()
    clip = torch.randn(2, 1, 16, 60, 48)
    assert not torch.allclose(network(clip), network(clip.flip(2)))
