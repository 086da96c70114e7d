"""The task `ntu` on the miniature: splits, pairing by name, and folders that are not as they should be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks.ntu import NtuTask
from bmnas.tasks.ntu.performers import OFFICIAL_TRAINING, TEST, VALIDATION, performers_of
from bmnas.tasks.ntu.recording import SAMPLES, Recording, recording_named, without_skeleton
from bmnas.tasks.task import SPLITS
from tests.paper_golden import preprocessing
from tests.tasks.ntu.made_up import SMALL, copied

FACTS, ARRAYS = preprocessing()
STAGES = {"train": "train_exp", "validation": "dev", "test": "test"}


def names(task: NtuTask, split: Any) -> list[str]:
    return [str(own) for own in task.split(split).recordings]


def test_released_splits_of_the_miniature_are_the_golden_ones() -> None:
    task = NtuTask.open(SMALL)
    task.check()
    for split in SPLITS:
        stage = FACTS["ntu_dataset"]["stages"][STAGES[split]]
        assert names(task, split) == [video.removesuffix("_rgb.avi") for video, _, _ in stage]
        assert [task.split(split)[index][1] for index in range(len(stage))] == [label for _, _, label in stage]
    assert task.groups("train").tolist() == [1, 8, 17]


def test_samples_are_the_released_ones_to_the_bit() -> None:
    task = NtuTask(SMALL, preprocessing="released").with_modalities(["skeleton"])
    inputs, label = task.split("train")[1]
    name = "S002C001P008R001A003"
    np.testing.assert_array_equal(inputs["Skeleton"], ARRAYS[f"ntu_skeleton/{name}/input"])
    assert label == FACTS["ntu_dataset"]["stages"]["train"][1][2]


@pytest.mark.parametrize("modalities", [["Video", "Skeleton"], ["Skeleton"]])
def test_a_view_draws_as_the_released_loader_does(modalities: list[str]) -> None:
    source = NtuTask(SMALL, preprocessing="released").with_modalities(modalities).view("train", 1)
    name = "S002C003P017R002A011"
    for number in range(3):
        np.random.seed(number)
        inputs, _ = source[2]
        np.testing.assert_array_equal(inputs["Skeleton"], ARRAYS[f"ntu_skeleton/{name}/augmented{number}"])


def test_the_lists_have_the_samples_that_the_data_set_has() -> None:
    def count(performers: tuple[int, ...]) -> tuple[int, int]:
        whole = sum(SAMPLES[performer] for performer in performers)
        return whole, whole - sum(own.performer in performers for own in without_skeleton())

    assert sum(SAMPLES.values()) == 56_880
    assert len(without_skeleton()) == 302
    assert count(OFFICIAL_TRAINING) == (40_320, 40_091)
    assert count(TEST) == (16_560, 16_487)
    assert count(VALIDATION) == (2_520, 2_509)
    assert count(performers_of("train", "released")) == (23_760, 23_633)
    assert count(performers_of("train", "paper")) == (23_040, 22_952)
    assert count(performers_of("train", "official")) == (37_800, 37_582)


@pytest.mark.parametrize("by", ["paper", "released", "official"])
def test_no_performer_is_in_two_splits(by: Any) -> None:
    lists = [performers_of(split, by) for split in SPLITS]
    assert len({performer for own in lists for performer in own}) == sum(map(len, lists))


def test_options_come_back() -> None:
    task = NtuTask(SMALL, split="paper", preprocessing="released")
    assert task.options == {"split": "paper", "missing": "keep", "preprocessing": "released", "imagenet": "cache"}
    again = NtuTask.of_options(json.loads(json.dumps(dict(task.options))))
    assert again.options == task.options
    assert NtuTask(SMALL).options["missing"] == "skip"
    assert set(NtuTask.Options.model_fields) == set(task.options)


def test_recordings_without_whole_skeletons_are_skipped_or_kept(tmp_path: Path) -> None:
    folder, name = copied(tmp_path), "S001C002P005R002A008"
    for inside, end in (("nturgb+d_rgb_256x256_30", "_rgb.avi"), ("nturgb+d_skeletons", ".skeleton")):
        shutil.copyfile(folder / inside / f"S001C001P002R001A050{end}", folder / inside / f"{name}{end}")
    assert name not in names(NtuTask(folder), "validation")
    assert name in names(NtuTask(folder, missing="keep"), "validation")
    assert name in names(NtuTask(folder, preprocessing="released"), "validation")


def test_one_missing_file_leaves_one_recording_out_and_is_said(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "nturgb+d_skeletons" / "S001C001P001R001A001.skeleton").unlink()
    task = NtuTask.open(folder)
    assert names(task, "train") == ["S002C001P008R001A003", "S002C003P017R002A011"]
    for index, label in enumerate([2, 10]):
        assert task.split("train")[index][1] == label
    said = " ".join(task.remarks())
    assert "1 recordings have no skeleton file, and are left out" in said
    assert "video file" not in said
    assert "2 of 23,633 train samples" in said
    assert len(names(task.with_modalities(["Video"]), "train")) == 3


def test_prepared_videos_go_before_those_that_came(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "nturgb+d_rgb").mkdir()
    for name in ("S001C001P001R001A001", "S001C001P004R001A001"):
        shutil.copyfile(folder / "lossless" / "S001C001P001R001A001_rgb.avi", folder / f"nturgb+d_rgb/{name}_rgb.avi")
    task = NtuTask(folder).with_modalities(["Video"])
    files = {path.parent.name for path in task.split("train").files["Video"].values()}
    assert files == {"nturgb+d_rgb", "nturgb+d_rgb_256x256_30"}
    first = task.split("train").files["Video"][recording_named("S001C001P001R001A001")]
    assert first.parent.name == "nturgb+d_rgb_256x256_30"
    assert any("1 videos are not prepared yet" in sentence for sentence in task.remarks())


def test_samples_are_named_by_their_files(tmp_path: Path) -> None:
    assert NtuTask.open(SMALL).split("test").describe(0) == (
        "nturgb+d_rgb_256x256_30/S001C002P003R002A002_rgb.avi and nturgb+d_skeletons/S001C002P003R002A002.skeleton"
    )


def test_the_fingerprint_changes_with_a_file(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    before = {modality: NtuTask(folder).data_fingerprint([modality]) for modality in ("Video", "Skeleton")}
    path = folder / "nturgb+d_skeletons" / "S001C002P003R002A002.skeleton"
    path.write_bytes(path.read_bytes() + b"\n")
    assert NtuTask(folder).data_fingerprint(["Skeleton"]) != before["Skeleton"]
    assert NtuTask(folder).data_fingerprint(["Video"]) == before["Video"]


def test_an_empty_split_names_its_performers(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    for path in folder.rglob("*P003*"):
        path.unlink()
    with pytest.raises(BmnasError, match=r"the test split is empty: it is of performers 3, 6, .* there are whole"):
        NtuTask.open(folder).check()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("S018C001P041R001A061", "names setup 18, but NTU RGB.D has setups 1 to 17; NTU RGB.D 120 has more"),
        ("S001C001P041R001A001", "names performer 41, but NTU RGB.D has performers 1 to 40; NTU RGB.D 120 has more"),
        ("S001C001P000R001A001", "names performer 0, but NTU RGB.D has performers 1 to 40$"),
        ("S1C1P1R1A1", "begins with 'S1C1P1R1A1', but NTU RGB.D's names are such as"),
    ],
)
def test_files_of_no_recording_are_named(tmp_path: Path, name: str, says: str) -> None:
    folder = copied(tmp_path)
    (folder / "nturgb+d_skeletons" / f"{name}.skeleton").touch()
    with pytest.raises(BmnasError, match=rf"{name}\.skeleton: {says}"):
        NtuTask.open(folder).check()


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        ("multimodal_imdb.hdf5", r"looks like MM-IMDB \(task mmimdb\)"),
        ("labels-final-revised1/subject01/a.csv", r"looks like EgoGesture \(task egogesture\)"),
        ("Skeleton/a1_s1_t1_skeleton.mat", r"looks like UTD-MHAD \(task utd-mhad\)"),
        ("nothing.txt", "has no folder nturgb.d_rgb or nturgb.d_rgb_256x256_30; the folder of NTU RGB.D holds"),
    ],
)
def test_the_folder_of_another_data_set_is_recognised(tmp_path: Path, inside: str, says: str) -> None:
    (tmp_path / inside).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / inside).touch()
    with pytest.raises(BmnasError, match=says):
        NtuTask.open(tmp_path).check()


def test_a_folder_one_too_deep_and_a_missing_modality_are_told(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match="name the folder that it is in"):
        NtuTask.open(SMALL / "nturgb+d_skeletons").check()
    (tmp_path / "nturgb+d_skeletons").mkdir()
    with pytest.raises(BmnasError, match=r"but has nturgb\+d_skeletons; --modalities names those to use"):
        NtuTask(tmp_path).check()


def test_names_are_read_and_printed() -> None:
    recording = recording_named("S003C002P016R001A060")
    assert recording == Recording(3, 2, 16, 1, 60)
    assert str(recording) == "S003C002P016R001A060"


def test_backbones_have_the_features_of_the_published_genotypes() -> None:
    from bmnas.genotype import published

    task = NtuTask.described()
    own = {feature.name: (feature.modality, feature.channels, feature.reshape) for feature in task.features}
    for name in ("ntu-1", "ntu-4"):
        assert {
            feature.name: (feature.modality, feature.channels, feature.reshape)
            for feature in published.load(name).features
        } == own
    with torch.device("meta"):
        for modality in task.modalities:
            submodules = dict(task.build_backbone(modality).named_modules())
            assert all(task.taps[name] in submodules for name, (of, _, _) in own.items() if of == modality)
