from __future__ import annotations

import pytest
import torch

from bmnas.taps import run_taps
from bmnas.tasks.models.audio_cnn import AudioCNN

TAPS = {name: name for name in ("stage1", "stage2", "stage3", "embedding")}


@pytest.mark.parametrize(("frames", "bands", "width", "classes"), [(51, 32, 16, 10), (63, 40, 4, 3), (7, 7, 8, 2)])
def test_shapes(frames: int, bands: int, width: int, classes: int) -> None:
    network = AudioCNN(classes, frames=frames, bands=bands, width=width).eval()
    sound = torch.randn(2, frames, bands)
    half = ((frames + 1) // 2, (bands + 1) // 2)
    assert network(sound).shape == (2, classes)
    assert {name: tuple(tensor.shape) for name, tensor in run_taps(network, TAPS, sound).items()} == {
        "stage1": (2, width, half[0], half[1]),
        "stage2": (2, 2 * width, half[0] // 2, half[1] // 2),
        "stage3": (2, 4 * width, half[0] // 4, half[1] // 4),
        "embedding": (2, 4 * width),
    }


def test_every_parameter_gets_a_gradient() -> None:
    network = AudioCNN(10)
    network(torch.randn(8, 51, 32)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_one_sound_at_a_time_gives_what_a_batch_gives() -> None:
    network = AudioCNN(10).eval()
    sounds = torch.randn(4, 51, 32)
    torch.testing.assert_close(torch.cat([network(sound[None]) for sound in sounds]), network(sounds))
