from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.taps import run_taps
from bmnas.tasks.av_digits import AvDigitsTask, task as module
from bmnas.tasks.av_digits.files import find_recordings
from bmnas.tasks.progress import Progress, Tick
from bmnas.tasks.training import TrainingSettings
from tests.tasks.av_digits.small_files import IMAGES, RECORDINGS, write_wav

SPLITS = ("train", "validation", "test")


def test_the_splits_have_both_modalities_and_labels(data: Path) -> None:
    task = AvDigitsTask.open(data)
    assert task.modalities == ("Image", "Audio")
    splits = {name: task.split(name) for name in SPLITS}
    assert {name: len(split) for name, split in splits.items()} == {"train": 8, "validation": 4, "test": 4}
    for split in splits.values():
        assert split.inputs["Image"].shape == (len(split), 1, 28, 28)
        assert split.inputs["Audio"].shape == (len(split), 51, 32)
        assert set(split.labels.tolist()) == {3, 7}


def test_the_data_are_the_same_however_often_they_are_read(data: Path) -> None:
    first = AvDigitsTask.open(data).data_fingerprint()
    torch.manual_seed(3)
    np.random.seed(3)
    assert AvDigitsTask.open(data).data_fingerprint() == first
    write_wav(data / RECORDINGS / "3_ann_11.wav", 401)
    assert AvDigitsTask.open(data).data_fingerprint() != first


def test_the_other_modalitys_files_are_not_read(data: Path) -> None:
    (data / IMAGES).unlink()
    task = AvDigitsTask.open(data)
    assert list(task.with_modalities(["audio"]).split("train").inputs) == ["Audio"]
    with pytest.raises(BmnasError, match=r"images-idx3-ubyte\.gz: is missing"):
        task.split("train")
    for path in (data / RECORDINGS).iterdir():
        path.write_bytes(b"")
    with pytest.raises(BmnasError, match="is not a whole"):
        AvDigitsTask.open(data).with_modalities(["Audio"]).split("train")


def test_without_data_it_says_what_is_needed_and_where_to_get_it(tmp_path: Path) -> None:
    for call in (lambda: AvDigitsTask.open(), lambda: AvDigitsTask.open(tmp_path / "none")):
        with pytest.raises(BmnasError) as error:
            call()
        assert "DIGIT_SPEAKER_INDEX.wav" in str(error.value)
        assert "t10k-labels-idx1-ubyte.gz" in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'none'}: there is no such folder")


def test_taps_lie_at_four_depths(data: Path) -> None:
    task = AvDigitsTask.open(data)
    inputs = task.split("train").inputs
    shapes = {}
    for modality in task.modalities:
        taps = {feature.name: task.taps[feature.name] for feature in task.features if feature.modality == modality}
        found = run_taps(task.build_backbone(modality).eval(), taps, inputs[modality])
        shapes |= {name: tuple(tensor.shape[1:]) for name, tensor in found.items()}
    assert shapes == {
        "Image_1": (16, 14, 14), "Image_2": (32, 7, 7), "Image_3": (64, 7, 7), "Image_4": (64,),
        "Audio_1": (16, 26, 16), "Audio_2": (32, 13, 8), "Audio_3": (64, 6, 4), "Audio_4": (64,),
    }  # fmt: skip
    assert {feature.name: feature.channels for feature in task.features} == {
        name: shape[0] for name, shape in shapes.items()
    }


@pytest.mark.parametrize("modality", ["Image", "Audio"])
def test_training_learns_repeats_itself_and_reports(data: Path, monkeypatch, modality: str) -> None:
    monkeypatch.setattr(module, "_TRAINING", TrainingSettings(epochs=20, batch_size=4, learning_rate=1e-2))
    task, reports = AvDigitsTask.open(data), []
    backbones = []
    for _ in range(2):
        torch.manual_seed(0)
        backbone = task.build_backbone(modality)
        score = task.train_backbone(modality, backbone, device="cpu", report=reports.append)
        assert 0 <= score <= 1
        backbones.append(backbone.eval())
    assert [type(report) for report in reports if not isinstance(report, Tick)] == [Progress] * 42
    assert {report.phase for report in reports} == {f"backbone {modality}"}
    for first, second in zip(*(backbone.state_dict().values() for backbone in backbones), strict=True):
        assert torch.equal(first, second)
    held_out = task.split("validation")
    with torch.no_grad():
        assert task.metric.score(backbones[0](held_out.inputs[modality]), held_out.labels) == score == 1


def test_views_are_shifted_but_the_first(data: Path) -> None:
    task = AvDigitsTask.open(data)
    split, first, second = (task.view("train", view) for view in (0, 1, 1))
    assert torch.equal(first.labels, split.labels)
    for modality in task.modalities:
        assert torch.equal(split.inputs[modality], task.split("train").inputs[modality])
        assert not torch.equal(first.inputs[modality], split.inputs[modality])
        assert not torch.equal(first.inputs[modality], second.inputs[modality])


def test_the_real_splits_are_the_official_ones(real_task: AvDigitsTask) -> None:
    assert {name: len(real_task.split(name)) for name in SPLITS} == {"train": 2400, "validation": 300, "test": 300}
    for name, of_each in (("train", 240), ("validation", 30), ("test", 30)):
        assert real_task.split(name).labels.bincount().tolist() == [of_each] * 10


def test_the_real_data_never_change(real_task: AvDigitsTask) -> None:
    # Scores are comparable only while this holds: it may change with a new name of the task, and not otherwise.
    assert real_task.data_fingerprint() == DATA


def test_the_real_recordings_are_all_found(real_data: Path) -> None:
    recordings = find_recordings(real_data)
    assert len({recording.speaker for recording in recordings}) == 6
    assert len(recordings) == 3000


DATA = "005d73f4705fcffc17a803e192917101c61e69ee01400257a77b6ccef8922a3c"
