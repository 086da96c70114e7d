from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bmnas.errors import BmnasError
from bmnas.tasks.backbones import backbones
from bmnas.tasks.mmimdb import MmimdbTask
from bmnas.tasks.state_files import misfit
from tests.paper_golden import state
from tests.tasks.mmimdb.made_up import OFFICIAL

TAGS = {"Image": ("mmimdb-image", "imagenet."), "Text": ("mmimdb-text", "textnet.")}


def given(modality: str, path: Path) -> dict[str, torch.Tensor]:
    task = MmimdbTask(OFFICIAL).with_modalities([modality]).with_weights({modality: path})
    return backbones(task)[modality].module.state_dict()


def whole() -> dict[str, torch.Tensor]:
    """A whole model of the released code: both networks, and the fusion."""
    found = {"reshape_layers.0.op.0.weight": torch.zeros(3), "central_classifier.weight": torch.zeros(3)}
    return found | {prefix + name: value for tag, prefix in TAGS.values() for name, value in state(tag).items()}


@pytest.mark.slow
@pytest.mark.parametrize("modality", TAGS)
def test_released_weights_are_loaded_alone_and_of_a_whole_model(tmp_path: Path, modality: str) -> None:
    own = state(TAGS[modality][0])
    torch.save({"state_dict": {f"module.{name}": value for name, value in own.items()}}, tmp_path / "own.checkpoint")
    torch.save(whole(), tmp_path / "whole.pt")
    for path in (tmp_path / "own.checkpoint", tmp_path / "whole.pt"):
        found = given(modality, path)
        assert list(found) == list(own)
        assert all(torch.equal(found[name], value.to(found[name].dtype)) for name, value in own.items())


def test_weights_of_torchvision_are_those_of_the_maps() -> None:
    task = MmimdbTask.described()
    own = {name: value for name, value in state("mmimdb-image").items() if name.startswith("vgg.")}
    theirs = {name.replace("vgg.", "features."): value for name, value in own.items()}
    found = task.own_names("Image", {**theirs, "classifier.0.weight": torch.zeros(2)})
    assert not misfit(state("mmimdb-image"), found)
    assert all(found[name] is value for name, value in own.items())


def test_weights_of_the_other_modality_are_told(tmp_path: Path) -> None:
    save_file({name: value.contiguous() for name, value in state("mmimdb-text").items()}, tmp_path / "text.safetensors")
    with pytest.raises(
        BmnasError, match=r"text\.safetensors: has weights of the network for Text, not of that for Image"
    ):
        given("Image", tmp_path / "text.safetensors")
    with pytest.raises(BmnasError, match="has weights of the network for Image, not of that for Text"):
        MmimdbTask.described().own_names("Text", {"vgg.0.weight": torch.zeros(64, 3, 3, 3)})


def test_weights_of_nothing_known_are_listed(tmp_path: Path) -> None:
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(BmnasError, match=r"do not fit the backbone 'Text' of task mmimdb: it lacks op1\.lin\.weight"):
        given("Text", tmp_path / "other.safetensors")
