"""Weights of torchvision's networks come from where they already are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks.models.torchvision_weights import torchvision_state


def test_a_file_or_the_cache_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    with pytest.raises(BmnasError, match=r"resnet50-0676ba61\.pth: .*are not there; bmnas backbones --download .*none"):
        torchvision_state("resnet50")
    folder.mkdir(parents=True)
    torch.save({"fc.bias": torch.ones(2)}, folder / "resnet50-19c8e357.pth")
    assert torch.equal(torchvision_state("resnet50")["fc.bias"], torch.ones(2))
    torch.save({"fc.bias": torch.zeros(2)}, tmp_path / "mine.pth")
    assert torch.equal(torchvision_state("resnet50", tmp_path / "mine.pth")["fc.bias"], torch.zeros(2))
