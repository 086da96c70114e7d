from __future__ import annotations

import pytest
import torch

from bmnas.taps import run_taps
from bmnas.tasks.models.hcn import HCN

TAPS = ("streams", "conv5", "conv6", "fc7")


def small(joints: int = 20, persons: int = 1, frames: int = 32) -> HCN:
    torch.manual_seed(0)
    return HCN(7, joints=joints, persons=persons, frames=frames, width=32).eval()


@pytest.mark.parametrize(("joints", "persons", "frames"), [(20, 1, 32), (25, 2, 64)])
def test_it_serves_the_joints_and_bodies_of_both_data_sets(joints: int, persons: int, frames: int) -> None:
    network = small(joints, persons, frames)
    positions = torch.randn(3, 3, frames, joints, persons)
    assert network(positions).shape == (3, 7)
    taps = run_taps(network, {name: name for name in TAPS}, positions)
    assert {name: tuple(tensor.shape) for name, tensor in taps.items()} == {
        "streams": (3, 64, frames // 4, 4, persons),
        "conv5": (3, 64, frames // 8, 2, persons),
        "conv6": (3, 128, frames // 16, 1, persons),
        "fc7": (3, 128),
    }


def test_the_bodies_have_no_order() -> None:
    network = small(persons=2)
    positions = torch.randn(3, 3, 32, 20, 2)
    torch.testing.assert_close(network(positions.flip(4)), network(positions))


def test_a_body_is_seen_as_it_would_be_alone() -> None:
    two, one = small(persons=2), small(persons=1)
    one.load_state_dict(two.state_dict())
    positions = torch.randn(3, 3, 32, 20, 1)
    torch.testing.assert_close(two(positions.expand(-1, -1, -1, -1, 2)), one(positions))
    taps = [run_taps(two, {"": name}, torch.cat([positions, -positions], dim=4))[""] for name in TAPS[:3]]
    alone = [run_taps(one, {"": name}, positions)[""] for name in TAPS[:3]]
    for both, first in zip(taps, alone, strict=True):
        torch.testing.assert_close(both[..., :1], first)


def test_one_stream_sees_positions_and_the_other_only_their_changes() -> None:
    streams = small().streams
    positions = torch.randn(2, 3, 32, 20, 1)
    before, after = streams(positions), streams(positions + 5)
    assert not torch.allclose(before[:, :32], after[:, :32])
    torch.testing.assert_close(before[:, 32:], after[:, 32:], atol=1e-4, rtol=1e-4)


def test_every_joint_reaches_every_feature_only_after_the_joints_became_channels() -> None:
    positions = torch.randn(1, 3, 32, 20, 1)
    moved = positions.clone()
    moved[:, :, 10, 4] += 1
    layers = list(small().streams.positions.layers.children())
    where = next(index for index, layer in enumerate(layers) if type(layer).__name__ == "_JointsAsChannels")
    joint_by_joint, mixing = torch.nn.Sequential(*layers[:where]), torch.nn.Sequential(*layers[where:])
    changed = (joint_by_joint(positions[..., 0]) != joint_by_joint(moved[..., 0])).any(dim=(0, 1, 2))
    assert changed.nonzero().flatten().tolist() == [4]
    after = mixing(joint_by_joint(positions[..., 0])) != mixing(joint_by_joint(moved[..., 0]))
    assert after.any(dim=2).all(dim=(0, 2)).float().mean() > 0.5


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 16 and width of 32, but they are 30 and 32"):
        HCN(7, frames=30, width=32)
    with pytest.raises(ValueError, match=r"shape \(3, 32, 25, 1\), not \(3, 32, 20, 1\)"):
        small()(torch.randn(2, 3, 32, 25, 1))
