"""The task as a search knows it: features, views, groups, weights of others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.genotype import published
from bmnas.tasks.backbones import backbones
from bmnas.tasks.egogesture import EgoGestureTask, task as task_module, weights
from bmnas.tasks.loading import load
from bmnas.tasks.registry import described_task, get_task
from bmnas.tasks.source_training import SourceTraining
from tests import paper_golden
from tests.tasks.egogesture.copies import ORIGINAL

SHAPES = {"RGB": (3, 32, 112, 112), "Depth": (1, 32, 112, 112)}
KERNELS = {"RGB": (64, 3, 3, 7, 7), "Depth": (64, 1, 7, 7, 7), "seven": (64, 3, 7, 7, 7)}


def test_its_features_are_those_of_the_published_genotypes():
    task = described_task("egogesture")
    own = {feature.name: feature for feature in task.features}
    for number in range(1, 5):
        for feature in published.load(f"ego-{number}").features:
            assert own[feature.name] == feature
    assert task.outputs == len(task.class_names) == 83


def test_it_is_made_anew_from_its_options():
    task = EgoGestureTask(ORIGINAL, preprocessing="released", depth_start="some.pth")
    assert EgoGestureTask.of_options(task.options).options == task.options
    assert set(EgoGestureTask.Options.model_fields) == set(task.options)


def test_samples_are_read_with_one_modality_or_both():
    task = EgoGestureTask(ORIGINAL)
    (loaded,) = load(task.split("test"), 2, workers=0)
    assert loaded.batch is not None
    assert {name: tuple(value.shape[1:]) for name, value in loaded.batch.inputs.items()} == SHAPES
    assert loaded.batch.labels.tolist() == [23, 0]
    alone, _ = task.with_modalities(["Depth"]).split("test")[1]
    torch.testing.assert_close(alone, {"Depth": loaded.batch.inputs["Depth"][1]}, rtol=0, atol=0)


def test_views_differ_and_come_again():
    task = EgoGestureTask(ORIGINAL).with_modalities(["Depth"])

    def view(number: int) -> Tensor:
        (loaded,) = load(task.view("train", number), 2, workers=0, seed=number)
        assert loaded.batch is not None
        return loaded.batch.inputs["Depth"]

    plain, first, again, second = view(0), view(1), view(1), view(2)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, plain)


def test_groups_are_the_subjects_and_samples_have_names():
    task = EgoGestureTask(ORIGINAL)
    assert [task.groups(name).tolist() for name in ("train", "validation", "test")] == [[3, 3], [1], [2, 2]]
    assert task.split("test").describe(1) == (
        "labels-final-revised1/subject02/Scene1/Group2.csv, line 3 (Subject02/Scene1/Color/rgb2)"
    )


def test_what_a_person_should_know_of_the_data():
    task = EgoGestureTask(ORIGINAL)
    assert "the test split has 2 samples, that of the whole data set 4977" in task.remarks()
    given = task.with_weights({"RGB": Path("some.pth")})
    assert any("preprocessing=released" in remark for remark in given.remarks())
    assert not any("preprocessing" in remark for remark in task.remarks())


@pytest.mark.parametrize(
    ("modality", "kernel", "said"),
    [
        ("RGB", "Depth", r"holds weights of Depth, not of RGB: conv1.weight is \(64, 1, 7, 7, 7\)"),
        ("Depth", "RGB", r"holds weights of RGB, not of Depth: conv1.weight is \(64, 3, 3, 7, 7\)"),
        ("Depth", "seven", r"holds weights for RGB: .* can begin with them and be trained, --task egogesture:depth_s"),
    ],
)
def test_weights_of_the_other_modality(modality, kernel, said):
    with pytest.raises(BmnasError, match=said):
        EgoGestureTask(ORIGINAL).own_names(modality, {"conv1.weight": torch.zeros(KERNELS[kernel])})


def test_weights_are_found_in_a_whole_model_of_the_released_code():
    rgb, depth = torch.zeros(KERNELS["RGB"]), torch.zeros(KERNELS["Depth"])
    whole = {"rgb_net.conv1.weight": rgb, "depth_net.conv1.weight": depth, "fusion_net.a": depth}
    task = EgoGestureTask(ORIGINAL)
    assert set(task.own_names("RGB", whole)) == {"conv1.weight"}
    assert task.own_names("Depth", whole)["conv1.weight"] is depth


class Small(torch.nn.Module):
    """The first and the last layer of a network, which are all that differs."""

    def __init__(self, channels: int, frames: int, classes: int = 83) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv3d(channels, 64, (frames, 7, 7), bias=False)
        self.bn1 = torch.nn.BatchNorm3d(64)
        self.fc = torch.nn.Linear(4, classes)


def test_a_network_for_depth_begins_with_one_for_rgb():
    other, depth = Small(3, 7, classes=27), Small(1, 7)
    last = depth.fc.weight.clone()
    weights.begin("Depth", depth, other.state_dict())
    torch.testing.assert_close(depth.conv1.weight, other.conv1.weight.mean(1, keepdim=True))
    assert torch.equal(depth.fc.weight, last)
    # On three equal channels it gives a third of what the other does.
    clip = torch.rand(2, 1, 8, 9, 9)
    torch.testing.assert_close(depth.conv1(clip), other.conv1(clip.expand(-1, 3, -1, -1, -1)) / 3)


def test_a_network_begins_with_one_of_its_own_kind(tmp_path):
    other, depth = Small(1, 7), Small(1, 7)
    path = tmp_path / "depth.pth"
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in other.state_dict().items()}}, path
    )
    EgoGestureTask(ORIGINAL, depth_start=str(path)).begin_backbone("Depth", depth)
    torch.testing.assert_close(depth.state_dict(), other.state_dict())
    with pytest.raises(BmnasError, match=r"depth\.pth: holds weights of Depth, not of RGB"):
        EgoGestureTask(ORIGINAL, rgb_start=str(path)).begin_backbone("RGB", Small(3, 3))
    before: Mapping[str, Tensor] = {name: value.clone() for name, value in depth.state_dict().items()}
    EgoGestureTask(ORIGINAL).begin_backbone("Depth", depth)
    torch.testing.assert_close(depth.state_dict(), before)


def test_weights_of_another_network_do_not_begin_one():
    with pytest.raises(BmnasError, match=r"does not fit the network for RGB: it lacks bn1\.weight"):
        weights.begin("RGB", Small(3, 3), {"conv1.weight": torch.zeros(KERNELS["RGB"])})


@pytest.mark.slow
@pytest.mark.parametrize(("modality", "tag"), [("RGB", "ego-rgb"), ("Depth", "ego-depth")])
def test_a_checkpoint_of_the_resnext_authors_is_loaded(tmp_path, modality, tag):
    path = tmp_path / "checkpoint.pth"
    state = {
        f"module.{name}": value.float() for name, value in paper_golden.state(tag).items() if "tracked" not in name
    }
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], momentum=0.9).state_dict()
    torch.save(
        {"epoch": 9, "arch": "resnext-101", "state_dict": state, "optimizer": optimizer, "best_prec1": 94.0}, path
    )
    task = EgoGestureTask(ORIGINAL, preprocessing="released").with_modalities([modality])
    backbone = backbones(task.with_weights({modality: path}), cache=tmp_path)[modality]
    clips = paper_golden.input_of(tag, "paper")
    backbone.module.double()
    with torch.no_grad():
        found = backbone.tapped(clips)
    kept = {f"tap{depth}": found[f"{modality}_{depth}"] for depth in range(1, 5)}
    assert paper_golden.compare(tag, "paper", kept) < 1e-5  # the weights were kept in float32


def test_its_options_are_those_of_its_constructor():
    task = get_task("egogesture:preprocessing=released,depth_start=some.pth", data=ORIGINAL)
    assert task.options == EgoGestureTask(ORIGINAL, preprocessing="released", depth_start="some.pth").options
    with pytest.raises(BmnasError, match="preprocessing of task egogesture is 'mine'"):
        get_task("egogesture:preprocessing=mine", data=ORIGINAL)


class Averages(torch.nn.Module):
    """A network that takes no time to train."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(1, 83)

    def forward(self, clip: Tensor) -> Tensor:
        return self.fc(clip.mean((2, 3, 4)) / 100)


def test_a_backbone_is_trained_on_augmented_clips(monkeypatch):
    monkeypatch.setattr(task_module, "_TRAINING", SourceTraining(epochs=2, batch_size=2, workers=0))
    backbone = Averages()
    before = backbone.fc.weight.clone()
    task = EgoGestureTask(ORIGINAL).with_modalities(["Depth"])
    score = task.train_backbone("Depth", backbone, device="cpu")
    assert 0 <= score <= 1
    assert not torch.equal(backbone.fc.weight, before)


def test_other_weights_to_begin_with_are_another_training(tmp_path):
    path = tmp_path / "start.pth"
    prints = set()
    for value in range(2):
        torch.save({"conv1.weight": torch.full((2,), value)}, path)
        prints.add(EgoGestureTask(ORIGINAL, rgb_start=str(path)).data_fingerprint(["RGB"]))
    assert len(prints) == 2
    plain = EgoGestureTask(ORIGINAL).data_fingerprint(["Depth"])
    assert EgoGestureTask(ORIGINAL, rgb_start=str(path)).data_fingerprint(["Depth"]) == plain
