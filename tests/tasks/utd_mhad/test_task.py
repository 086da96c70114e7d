from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.fit.seeding import seeded
from bmnas.taps import run_taps
from bmnas.tasks.progress import Progress, Tick
from bmnas.tasks.task import SPLITS, Split
from bmnas.tasks.utd_mhad import UtdMhadTask
from bmnas.tasks.utd_mhad.layout import ADDRESS
from tests.tasks.utd_mhad.made_up import CLIPS, REAL, needs_real_data, path_of, skeleton, write, write_one

SHAPES = {"Skeleton": (3, 32, 20, 1), "Inertial": (6, 96), "Depth": (1, 16, 60, 48)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("utd-mhad"), modalities=("Skeleton", "Inertial", "Depth"))


@pytest.fixture
def task(folder: Path) -> UtdMhadTask:
    return UtdMhadTask.open(folder)


def test_without_a_folder_it_says_what_it_needs() -> None:
    with pytest.raises(BmnasError, match=r"task utd-mhad needs its data, --data DIR: .*Skeleton/aA_sS_tT") as caught:
        UtdMhadTask.open(None)
    assert ADDRESS in str(caught.value)


def test_the_splits_follow_the_subjects(task: UtdMhadTask) -> None:
    splits = {name: task.split(name) for name in SPLITS}
    assert {name: split.labels.tolist() for name, split in splits.items()} == {
        "train": [0, 0, 1, 1],
        "validation": [0, 1],
        "test": [0, 1],
    }
    for split in splits.values():
        assert {modality: tensor.shape[1:] for modality, tensor in split.inputs.items()} == SHAPES
        assert all(len(tensor) == len(split) for tensor in split.inputs.values())


def test_the_groups_of_a_split_are_its_subjects(task: UtdMhadTask) -> None:
    groups = {name: task.groups(name) for name in SPLITS}
    assert {name: found.tolist() for name, found in groups.items() if found is not None} == {
        "train": [1, 3, 1, 3],
        "validation": [7, 7],
        "test": [2, 2],
    }


def test_only_the_files_of_the_chosen_modalities_are_read(tmp_path: Path) -> None:
    write(tmp_path)
    both = UtdMhadTask.open(tmp_path).with_modalities(["skeleton", "inertial"])
    assert list(both.split("train").inputs) == ["Skeleton", "Inertial"]
    os.truncate(path_of(tmp_path, "Skeleton", CLIPS[0]), 300)
    assert list(both.with_modalities(["inertial"]).split("train").inputs) == ["Inertial"]
    with pytest.raises(BmnasError, match=r"a1_s1_t1_skeleton\.mat"):
        both.split("train")  # what was read before is not what is there now


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    write(tmp_path)
    task = UtdMhadTask.open(tmp_path).with_modalities(["skeleton", "inertial"])
    before = [task.data_fingerprint([modality]) for modality in task.modalities]
    write_one(tmp_path, "Skeleton", CLIPS[0], skeleton(CLIPS[0], frames=4))
    after = [task.data_fingerprint([modality]) for modality in task.modalities]
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_the_scale_of_the_readings_comes_from_the_training_clips_alone(tmp_path: Path) -> None:
    write(tmp_path, modalities=("Inertial",))
    task = UtdMhadTask.open(tmp_path).with_modalities(["Inertial"])
    before = task.split("train").inputs["Inertial"]
    for clip in CLIPS:
        if clip.subject not in (1, 3, 5):
            write_one(tmp_path, "Inertial", clip, np.full((9, 6), 1e3))
    assert torch.equal(task.split("train").inputs["Inertial"], before)
    torch.testing.assert_close(before.transpose(0, 1).flatten(1).std(dim=1), torch.ones(6))


@pytest.mark.parametrize(
    ("subjects", "message"),
    [
        ((1, 2, 3), "the validation split is empty, because there is no clip of subject 7;"),
        ((1, 7), "the test split is empty, because there is no clip of subject 2, 4, 6, 8;"),
        ((2, 7), "the train split is empty, because there is no clip of subject 1, 3, 5;"),
    ],
)
def test_an_empty_split_is_refused(tmp_path: Path, subjects: tuple[int, ...], message: str) -> None:
    write(tmp_path, tuple(clip for clip in CLIPS if clip.subject in subjects))
    with pytest.raises(BmnasError, match=re.escape(message)):
        UtdMhadTask.open(tmp_path).with_modalities(["skeleton", "inertial"]).split("train")


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    write(tmp_path, tuple(clip for clip in CLIPS if clip.action == 2))
    with pytest.raises(BmnasError, match="the train split has clips of action 2 alone; at least two"):
        UtdMhadTask.open(tmp_path).with_modalities(["skeleton", "inertial"]).split("test")


@pytest.mark.parametrize("modality", SHAPES)
def test_every_backbone_has_three_taps_or_more_of_the_channels_that_are_declared(
    task: UtdMhadTask, modality: str
) -> None:
    features = [feature for feature in task.features if feature.modality == modality]
    assert [feature.name for feature in features] == [f"{modality}_{number + 1}" for number in range(len(features))]
    assert len(features) >= 3
    backbone = task.build_backbone(modality).eval()
    outputs = run_taps(
        backbone, {feature.name: task.taps[feature.name] for feature in features}, torch.randn(2, *SHAPES[modality])
    )
    assert {name: tensor.shape[1] for name, tensor in outputs.items()} == {
        feature.name: feature.channels for feature in features
    }
    # The later the tap, the fewer points of time.
    lengths = [tensor.shape[2] if tensor.dim() > 2 else 1 for tensor in outputs.values()]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("modality", SHAPES)
def test_a_backbone_is_trained_from_the_training_split_and_reports(
    task: UtdMhadTask, modality: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(reports: list[Progress]) -> tuple[torch.Tensor, float]:
        with seeded(0):
            backbone = task.build_backbone(modality)
            score = task.train_backbone(modality, backbone, device="cpu", report=reports.append)
        return torch.nn.utils.parameters_to_vector(backbone.parameters()).detach(), score

    from bmnas.tasks.utd_mhad import recipes

    # Two epochs show the wiring; how good the recipes are is for the real data to show.
    training = recipes.TrainingSettings(epochs=2, batch_size=4)
    recipe = recipes.Recipe(**{**vars(recipes.RECIPES[modality]), "training": training})
    monkeypatch.setattr("bmnas.tasks.utd_mhad.task.RECIPES", {modality: recipe})
    reports: list[Progress] = []
    weights, score = trained(reports)
    assert 0 <= score <= 1
    assert [(event.phase, event.done, event.total) for event in reports if not isinstance(event, Tick)] == [
        (f"backbone {modality}", done, 2) for done in range(3)
    ]
    again, _ = trained([])
    assert torch.equal(weights, again)
    with seeded(0):
        untrained = torch.nn.utils.parameters_to_vector(task.build_backbone(modality).parameters())
    assert not torch.equal(weights, untrained)


def test_views_are_augmented_and_keep_the_labels(task: UtdMhadTask) -> None:
    plain = task.split("train")
    same = task.view("train", 0)
    with seeded(1):
        view = task.view("train", 1)
    assert isinstance(view, Split)
    assert torch.equal(view.labels, plain.labels)
    for modality in SHAPES:
        assert torch.equal(same.inputs[modality], plain.inputs[modality])
        assert view.inputs[modality].shape == plain.inputs[modality].shape
        assert not torch.equal(view.inputs[modality], plain.inputs[modality])


@needs_real_data
def test_the_real_splits_have_their_sizes() -> None:
    task = UtdMhadTask.open(REAL).with_modalities(["inertial"])
    splits = {name: task.split(name) for name in SPLITS}
    assert {name: len(split) for name, split in splits.items()} == {"train": 323, "validation": 108, "test": 430}
    for split in splits.values():
        assert split.labels.unique().tolist() == list(range(27))
        assert split.inputs["Inertial"].isfinite().all()


@pytest.mark.slow
@needs_real_data
@pytest.mark.parametrize(("modality", "least"), [("Skeleton", 0.85), ("Inertial", 0.75), ("Depth", 0.5)])
def test_real_backbones_know_a_new_person(modality: str, least: float) -> None:
    task = UtdMhadTask.open(REAL).with_modalities([modality])
    with seeded(0):
        backbone = task.build_backbone(modality)
        assert task.train_backbone(modality, backbone, device="cpu") > least


def test_the_groups_are_the_subjects(task: UtdMhadTask) -> None:
    assert {name: task.groups(name).tolist() for name in SPLITS} == {
        "train": [1, 3, 1, 3],
        "validation": [7, 7],
        "test": [2, 2],
    }
    assert list(task.remarks()) == []


@needs_real_data
def test_the_real_subjects() -> None:
    task = UtdMhadTask.open(REAL).with_modalities(["inertial"])
    assert {name: task.groups(name).unique().tolist() for name in SPLITS} == {
        "train": [1, 3, 5],
        "validation": [7],
        "test": [2, 4, 6, 8],
    }
    assert [len(task.groups(name)) for name in SPLITS] == [323, 108, 430]
