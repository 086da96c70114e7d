from __future__ import annotations

import pytest
import torch

from bmnas.taps import run_taps
from bmnas.tasks.models.image_cnn import ImageCNN

TAPS = {name: name for name in ("stage1", "stage2", "stage3", "embedding")}


@pytest.mark.parametrize(("side", "width", "classes"), [(28, 16, 10), (32, 4, 3), (8, 8, 2)])
def test_shapes(side: int, width: int, classes: int) -> None:
    network = ImageCNN(classes, side=side, width=width).eval()
    image = torch.randn(2, 1, side, side)
    assert network(image).shape == (2, classes)
    assert {name: tuple(tensor.shape) for name, tensor in run_taps(network, TAPS, image).items()} == {
        "stage1": (2, width, side // 2, side // 2),
        "stage2": (2, 2 * width, side // 4, side // 4),
        "stage3": (2, 4 * width, side // 4, side // 4),
        "embedding": (2, 4 * width),
    }


def test_every_parameter_gets_a_gradient() -> None:
    network = ImageCNN(10)
    network(torch.randn(8, 1, 28, 28)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_one_image_at_a_time_gives_what_a_batch_gives() -> None:
    network = ImageCNN(10).eval()
    images = torch.randn(4, 1, 28, 28)
    torch.testing.assert_close(torch.cat([network(image[None]) for image in images]), network(images))


def test_colours_are_as_many_as_are_said() -> None:
    assert ImageCNN(10, side=32, colours=3)(torch.randn(2, 3, 32, 32)).shape == (2, 10)
