from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.taps import run_taps
from bmnas.tasks.progress import silent
from bmnas.tasks.task import SPLITS
from bmnas.tasks.utd_mhad.layout import Clip
from bmnas.tasks.utd_transfer import UtdTransferTask, task as module
from tests.tasks.utd_mhad.made_up import REAL, inertial, needs_real_data, skeleton, write_one

# Four actions by everybody; a2_s8_t1 does not exist, as some of the real clips.
CLIPS = tuple(
    clip
    for action in (1, 2, 3, 4)
    for subject in range(1, 9)
    for trial in (1, 2)
    if (clip := Clip(action, subject, trial)) != (2, 8, 1)
)


def write(folder: Path, clips: tuple[Clip, ...] = CLIPS) -> Path:
    """Write clips of which no two are alike: what is made up depends on the sum of three numbers."""
    for clip in clips:
        number = Clip(100 * clip.action, 10 * clip.subject, clip.trial)
        for modality, make in (("Skeleton", skeleton), ("Inertial", inertial)):
            write_one(folder, modality, clip, make(number))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("utd-mhad"))


def test_without_a_folder_it_says_what_it_needs() -> None:
    with pytest.raises(BmnasError, match=r"task utd-transfer needs its data, --data DIR: .*Skeleton/aA_sS_tT"):
        UtdTransferTask.open(None)
    with pytest.raises(BmnasError, match="nowhere: there is no such folder"):
        UtdTransferTask.open(Path("nowhere")).check()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"half": 2}, "half of task utd-transfer is 2, but should be one of 0 to 1"),
        ({"left_out": 0}, "left_out of task utd-transfer is 0, but should be one of 1 to 8"),
        ({"left_out": True}, "left_out of task utd-transfer is True, but should be one of 1 to 8"),
        ({"people": 7}, "people of task utd-transfer is 7, but should be one of 1 to 6"),
        ({"shots": 5}, "shots of task utd-transfer is 5, but should be one of 1 to 4"),
    ],
)
def test_numbers_that_are_none_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(BmnasError, match=message):
        UtdTransferTask(Path(), **options)


def test_the_splits_have_the_new_actions_of_their_subjects(folder: Path) -> None:
    task = UtdTransferTask(folder, half=0, left_out=8, people=6, shots=1)
    task.check()
    splits = {name: task.split(name) for name in SPLITS}
    assert task.outputs == 13
    # The odd-numbered actions are known, so 2 and 4 are the new actions 0 and 1. Subject 8 is for test, then comes 1.
    assert splits["train"].labels.tolist() == [0] * 6 + [1] * 6
    assert splits["validation"].labels.tolist() == [0, 0, 1, 1]
    assert splits["test"].labels.tolist() == [0, 1, 1]
    groups = {name: task.groups(name) for name in SPLITS}
    assert {name: found.tolist() for name, found in groups.items() if found is not None} == {
        "train": [2, 3, 4, 5, 6, 7] * 2,
        "validation": [1] * 4,
        "test": [8] * 3,
    }
    for split in splits.values():
        shapes = {modality: tuple(tensor.shape[1:]) for modality, tensor in split.inputs.items()}
        assert shapes == {"Skeleton": (3, 32, 20, 1), "Inertial": (6, 96)}


def test_the_other_half_and_another_subject(folder: Path) -> None:
    task = UtdTransferTask(folder, half=1, left_out=5, people=3, shots=2)
    assert task.outputs == 14
    assert task.split("train").labels.tolist() == [0] * 6 + [1] * 6
    groups = [task.groups(name) for name in SPLITS]
    assert [found.unique().tolist() for found in groups if found is not None] == [[1, 7, 8], [6], [5]]


def test_both_halves_and_all_subjects_test_on_every_clip_once(folder: Path) -> None:
    tested = [
        clip
        for half in range(2)
        for left_out in range(1, 9)
        for clip in UtdTransferTask(folder, half=half, left_out=left_out)._clips().new["test"]
    ]
    assert sorted(tested) == sorted(CLIPS)


def test_of_every_subject_the_first_trials_are_kept(folder: Path) -> None:
    clips = {
        shots: UtdTransferTask(folder, left_out=1, people=6, shots=shots)._clips().new["train"] for shots in (1, 2)
    }
    assert {clip.trial for clip in clips[1] if (clip.action, clip.subject) != (2, 8)} == {1}
    assert Clip(2, 8, 2) in clips[1]  # the first that there is
    assert len(clips[1]) == 12
    assert set(clips[1]) < set(clips[2])


def test_backbones_are_trained_on_the_known_actions_of_training_subjects(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}

    def noted(recipe, backbone, clips, labels, **options):
        seen[options["phase"]] = (clips, labels)

    monkeypatch.setattr(module, "train_by", noted)
    task = UtdTransferTask(folder, half=0, left_out=8)
    for modality in task.modalities:
        backbone = task.build_backbone(modality)
        assert 0 <= task.train_backbone(modality, backbone, device="cpu", report=silent) <= 1
        clips, labels = seen[f"backbone {modality}"]
        # Actions 1 and 3, the known actions 0 and 1, by six subjects in two trials.
        assert labels.tolist() == [0] * 12 + [1] * 12
        assert backbone.eval()(clips).shape == (24, 14)
        trained = {clip.numpy().tobytes() for clip in clips}
        assert len(trained) == 24
        for name in SPLITS:
            assert not trained & {clip.numpy().tobytes() for clip in task.split(name).inputs[modality]}


def test_the_fingerprint_changes_with_the_options_and_with_clips_that_backbones_see(tmp_path: Path) -> None:
    write(tmp_path)
    options = [{}, {"half": 1}, {"left_out": 2}, {"people": 3}, {"shots": 1}]
    tasks = [UtdTransferTask(tmp_path, **chosen) for chosen in options]
    before = [task.data_fingerprint() for task in tasks]
    assert len(set(before)) == 5
    assert len({str(dict(task.options)) for task in tasks}) == 5
    assert UtdTransferTask.open(tmp_path).data_fingerprint() == before[0]
    inertial = tasks[0].data_fingerprint(["Inertial"])
    write_one(tmp_path, "Skeleton", Clip(3, 5, 1), skeleton(Clip(3, 5, 1), frames=4))  # of a known action
    assert tasks[0].data_fingerprint() != before[0]
    assert tasks[0].data_fingerprint(["Inertial"]) == inertial


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (lambda clip: clip.subject != 8, "no clip of the known actions for|no clip of the new actions for the test"),
        (lambda clip: clip.action != 2, "the train split has clips of a single one of the new actions"),
        (lambda clip: clip.action % 2, "there is no clip of the new actions for the train split with subject 8"),
        (lambda clip: clip.action != 3, "the train split has clips of a single one of the known actions"),
    ],
)
def test_too_few_clips_are_refused(tmp_path: Path, kept, message: str) -> None:
    write(tmp_path, tuple(clip for clip in CLIPS if kept(clip)))
    with pytest.raises(BmnasError, match=message):
        UtdTransferTask.open(tmp_path).split("test")


def test_taps_lie_at_four_depths(folder: Path) -> None:
    task = UtdTransferTask.open(folder)
    inputs = task.split("validation").inputs
    for modality in task.modalities:
        features = [feature for feature in task.features if feature.modality == modality]
        taps = {feature.name: task.taps[feature.name] for feature in features}
        found = run_taps(task.build_backbone(modality).eval(), taps, inputs[modality])
        assert [found[feature.name].shape[1] for feature in features] == [feature.channels for feature in features]
        assert len(features) == 4


def test_views_are_augmented_and_keep_the_labels(folder: Path) -> None:
    task = UtdTransferTask.open(folder)
    split, plain, view = task.split("train"), task.view("train", 0), task.view("train", 1)
    assert torch.equal(view.labels, split.labels)
    for modality in task.modalities:
        assert torch.equal(plain.inputs[modality], split.inputs[modality])
        assert not torch.equal(view.inputs[modality], split.inputs[modality])


@needs_real_data
def test_the_real_splits_have_their_sizes() -> None:
    for half, sizes in ((0, [52, 51, 52]), (1, [56, 56, 55])):
        task = UtdTransferTask(REAL, half=half, left_out=8).with_modalities(["inertial"])
        assert [len(task.split(name)) for name in SPLITS] == sizes
