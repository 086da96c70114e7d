"""How the backbones of the paper's tasks are trained: from which weights, and on samples read one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bmnas.tasks.egogesture import EgoGestureTask, task as egogesture
from bmnas.tasks.ntu import NtuTask, task as ntu
from bmnas.tasks.source_training import SourceTraining
from tests.paper_golden import MINIATURE, entry


def test_hcn_is_trained_on_skeletons_cut_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = SourceTraining(epochs=1, batch_size=2, workers=0)
    monkeypatch.setattr(ntu, "_TRAINING", {"Skeleton": quick})
    task = NtuTask(MINIATURE / "ntu").with_modalities(["Skeleton"])
    torch.manual_seed(0)
    network = task.build_backbone("Skeleton")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    score = task.train_backbone("Skeleton", network, device="cpu")
    assert 0 <= score <= 1
    assert all(not torch.equal(value, before[name]) for name, value in network.state_dict().items() if "weight" in name)


def test_the_video_network_begins_with_inflated_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torchvision

    asked: dict[str, Any] = {}

    def noting(task: Any, modality: str, module: torch.nn.Module, settings: Any, **rest: Any) -> float:
        asked.update(modality=modality, settings=settings, state=dict(module.state_dict()))
        return 0.5

    monkeypatch.setattr(ntu, "train_on_source", noting)
    shapes = torchvision.models.resnet50().state_dict()
    flat = {name: torch.from_numpy(entry("resnet50-2d", name, tuple(value.shape))) for name, value in shapes.items()}
    torch.save({name: value.float() for name, value in flat.items()}, tmp_path / "resnet.pth")
    task = NtuTask(MINIATURE / "ntu", imagenet=str(tmp_path / "resnet.pth"))
    assert task.train_backbone("Video", task.build_backbone("Video"), device="cpu") == 0.5
    assert asked["modality"] == "Video"
    assert isinstance(asked["settings"], SourceTraining)
    kernel = asked["state"]["cnn.layer1.0.conv2.weight"]
    assert torch.equal(kernel[:, :, 1], flat["layer1.0.conv2.weight"].float())
    assert not kernel[:, :, 0].any()


def test_a_depth_network_begins_with_the_weights_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(egogesture, "train_on_source", lambda *_, **__: 0.5)
    monkeypatch.setattr(EgoGestureTask, "begin_backbone", lambda _self, modality, _module: begun.append(modality))
    task = EgoGestureTask(MINIATURE / "egogesture")
    assert task.train_backbone("Depth", torch.nn.Linear(1, 1), device="cpu") == 0.5
    assert begun == ["Depth"]
