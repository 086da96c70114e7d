"""Weights by the names that others gave them, and weights of other networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks.backbones import backbones
from bmnas.tasks.ntu import NtuTask
from bmnas.tasks.ntu.weights import own_names
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
