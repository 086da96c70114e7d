"""Weights by the names that others gave them, and weights of other networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import resnet50

from bmnas.errors import BmnasError
from bmnas.tasks.backbones import backbones
from bmnas.tasks.ntu import NtuTask
from bmnas.tasks.ntu.weights import imagenet_weights, own_names
from tests.paper_golden import compare, input_of, state
from tests.tasks.ntu.made_up import SMALL


@pytest.mark.parametrize("prefix", ["", "module.", "skenet."])
def test_a_released_checkpoint_of_skeletons_loads(tmp_path: Path, prefix: str) -> None:
    weights = {f"{prefix}{name}": value for name, value in state("ntu-skeleton").items()}
    if prefix == "skenet.":
        weights |= {"rgbnet.cnn.conv1.weight": torch.zeros(64, 3, 7, 7), "central_classifier.weight": torch.zeros(1)}
    path = tmp_path / "skeleton_32frames_85.24.checkpoint"
    torch.save(weights, path)
    task = NtuTask(SMALL).with_modalities(["Skeleton"]).with_weights({"Skeleton": path})
    backbone = backbones(task)["Skeleton"]
    features = backbone.tapped(input_of("ntu-skeleton", "paper").float())
    named = {f"tap{number}": features[f"Skeleton_{number}"] for number in range(1, 5)}
    assert compare("ntu-skeleton", "paper", named) < 1e-4


@pytest.mark.parametrize(
    ("modality", "weights", "says"),
    [
        ("Video", {"conv1.0.weight": (64, 3, 1, 1)}, "of the backbone 'Skeleton'; --backbone Skeleton=FILE takes them"),
        ("Skeleton", {"cnn.conv1.weight": (64, 3, 7, 7)}, "of the backbone 'Video'; --backbone Video=FILE takes them"),
        ("Video", {"conv1.weight": (64, 3, 7, 7)}, "of a network for images, .* --task ntu:imagenet=FILE"),
        ("Video", {"conv1.weight": (64, 3, 3, 7, 7)}, "of a 3D network, such as those of task egogesture"),
    ],
)
def test_weights_of_another_network_are_refused(modality: str, weights: dict[str, tuple[int, ...]], says: str) -> None:
    with pytest.raises(BmnasError, match=says):
        own_names(modality, {name: torch.zeros(shape) for name, shape in weights.items()})


def test_training_begins_with_a_file_of_torchvision(tmp_path: Path) -> None:
    path = tmp_path / "resnet50.pth"
    torch.save(resnet50(weights=None).state_dict(), path)
    weights = imagenet_weights(str(path))
    assert weights["cnn.layer4.0.conv2.weight"].shape == (512, 512, 3, 3, 3)
    torch.save({"fc8.weight": torch.zeros(2)}, path)
    with pytest.raises(BmnasError, match=r"resnet50\.pth: these are not the weights of a ResNet-50: there is no conv1"):
        imagenet_weights(str(path))
    assert imagenet_weights("none") == {}


def test_without_a_file_in_torchs_cache_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(BmnasError, match=r"resnet50-0676ba61\.pth: the ImageNet weights of resnet50 are not there"):
        imagenet_weights("cache")
