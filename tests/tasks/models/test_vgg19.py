from __future__ import annotations

import pytest
import torch
from torch import nn

from bmnas.taps import run_taps
from bmnas.tasks.models.vgg19 import VGG19
from tests import paper_golden as golden
from tests.tasks.models.multi_label_step import worst_error

TAG = "mmimdb-image"
TAPS = {f"tap{depth}": f"vgg.{layer}" for depth, layer in enumerate((20, 26, 33, 36), 1)} | {"logits": "classifier"}


@pytest.fixture(scope="module")
def network() -> VGG19:
    network = VGG19(23)
    golden.fill(network, TAG)
    return network.eval()


def test_it_has_the_entries_of_the_released_network(network: VGG19) -> None:
    assert list(network.state_dict()) == list(golden.backbones()[TAG]["state_dict"])
    assert sum(each.numel() for each in network.parameters()) == golden.backbones()[TAG]["parameters"] == 20_037_207


def test_taps_and_logits_are_the_golden_ones(network: VGG19) -> None:
    image = golden.input_of(TAG, "small")
    with torch.no_grad():
        outputs = run_taps(network, TAPS, image)
    assert golden.compare(TAG, "small", outputs) < 1e-9


@pytest.mark.slow
def test_so_they_are_at_the_papers_size(network: VGG19) -> None:
    image = golden.input_of(TAG, "paper")
    with torch.no_grad():
        outputs = run_taps(network, TAPS, image)
    assert {name: tuple(tap.shape[1:]) for name, tap in outputs.items() if name != "logits"} == {
        "tap1": (512, 32, 20),
        "tap2": (512, 32, 20),
        "tap3": (512, 16, 10),
        "tap4": (512, 8, 5),
    }
    assert golden.compare(TAG, "paper", outputs) < 1e-9


@pytest.mark.slow
def test_a_training_step_is_the_golden_one() -> None:
    network = VGG19(23)
    golden.fill(network, TAG)
    assert worst_error(TAG, network, TAPS) < 1e-9


def test_taps_are_those_of_torchvision_for_the_same_weights(network: VGG19) -> None:
    from torchvision.models import vgg19

    with torch.device("meta"):
        theirs = vgg19().features
    theirs.load_state_dict(network.vgg.state_dict(), assign=True)
    image = torch.randn(2, 3, 48, 64, dtype=torch.float64)
    with torch.no_grad():
        ours = run_taps(network, TAPS, image)
        for name, place in TAPS.items() - {("logits", "classifier")}:
            assert torch.equal(ours[name], theirs[: int(place.removeprefix("vgg.")) + 1](image))


def test_initial_weights_are_drawn_as_those_of_torchvision() -> None:
    torch.manual_seed(0)
    first = VGG19(23).vgg.get_submodule("34")
    assert isinstance(first, nn.Conv2d) and first.bias is not None
    assert first.weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
    assert not first.bias.any()
