from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.fit.seeding import seeded
from bmnas.taps import run_taps
from bmnas.tasks.emoji import EmojiTask, task as module
from bmnas.tasks.emoji.files import CLASSES
from bmnas.tasks.task import SPLITS
from bmnas.tasks.training import TrainingSettings
from tests.tasks.emoji.made_up import LINES, REAL, needs_real_data, png, write


def test_the_splits_are_those_of_the_list(tmp_path: Path) -> None:
    task = EmojiTask.open(write(tmp_path))
    task.check()
    food, flags = CLASSES.index("Food & Drink"), CLASSES.index("Flags")
    assert {name: task.split(name).labels.tolist() for name in SPLITS} == {
        "train": [food, flags] * 4,
        "validation": [food, flags, food],
        "test": [food, flags, food],
    }
    split = task.split("train")
    assert {name: tuple(tensor.shape) for name, tensor in split.inputs.items()} == {
        "Image": (8, 3, 32, 32),
        "Text": (8, 2048),
    }
    # Apples are red: what is taken away from white there is blue and green.
    assert (split.inputs["Image"][:, 0, 0, -1] > split.inputs["Image"][:, 2, 0, -1]).tolist() == [True, False] * 4
    assert task.groups("train") is None


def test_without_data_it_says_what_is_needed(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "none"):
        with pytest.raises(BmnasError, match=r"samples\.csv, with the columns image, text, tags, label, split"):
            EmojiTask.open(folder)
    assert EmojiTask.described().modalities == ("Image", "Text")


def test_a_split_without_samples_is_named(tmp_path: Path) -> None:
    write(tmp_path, [line for line in LINES if not line.endswith("test")])
    with pytest.raises(BmnasError, match=r"samples\.csv: no sample is in the test split"):
        EmojiTask.open(tmp_path).split("train")


def test_pictures_are_read_only_where_they_are_wanted(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "images/1f600.png").unlink()
    assert list(EmojiTask.open(tmp_path).with_modalities(["text"]).split("train").inputs) == ["Text"]
    with pytest.raises(BmnasError, match=r"1f600\.png: cannot be read"):
        EmojiTask.open(tmp_path).check()


def test_the_fingerprint_changes_with_a_picture_and_with_a_word(tmp_path: Path) -> None:
    write(tmp_path)
    before = {name: EmojiTask.open(tmp_path).data_fingerprint([name]) for name in ("Image", "Text")}
    (tmp_path / "images/1f600.png").write_bytes(png((1, 2, 3, 255)))
    changed = EmojiTask.open(tmp_path)
    assert changed.data_fingerprint(["Image"]) != before["Image"]
    assert changed.data_fingerprint(["Text"]) == before["Text"]
    write(tmp_path, [LINES[0].replace("red", "green"), *LINES[1:]])
    assert EmojiTask.open(tmp_path).data_fingerprint(["Text"]) != before["Text"]


def test_taps_lie_at_three_depths_or_more(tmp_path: Path) -> None:
    task = EmojiTask.open(write(tmp_path))
    inputs = task.split("train").inputs
    for modality, count in (("Image", 4), ("Text", 3)):
        features = [feature for feature in task.features if feature.modality == modality]
        assert len(features) == count
        taps = {feature.name: task.taps[feature.name] for feature in features}
        found = run_taps(task.build_backbone(modality).eval(), taps, inputs[modality])
        assert [found[feature.name].shape[1] for feature in features] == [feature.channels for feature in features]


@pytest.mark.parametrize("modality", ["Image", "Text"])
def test_training_learns_and_repeats_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modality: str) -> None:
    quick = TrainingSettings(epochs=15, batch_size=4, learning_rate=1e-2)
    monkeypatch.setattr(module, "_TRAINING", {modality: quick})
    task, found = EmojiTask.open(write(tmp_path)), []
    for _ in range(2):
        with seeded(0):
            backbone = task.build_backbone(modality)
            assert task.train_backbone(modality, backbone, device="cpu") == 1
        found.append(torch.nn.utils.parameters_to_vector(backbone.parameters()))
    assert torch.equal(*found)


def test_views_are_changed_but_the_first(tmp_path: Path) -> None:
    task = EmojiTask.open(write(tmp_path))
    split, plain = task.split("train"), task.view("train", 0)
    with seeded(1):
        view = task.view("train", 1)
    assert torch.equal(view.labels, split.labels)
    for modality in task.modalities:
        assert torch.equal(plain.inputs[modality], split.inputs[modality])
        assert not torch.equal(view.inputs[modality], split.inputs[modality])


@needs_real_data
def test_the_real_splits_have_their_sizes() -> None:
    task = EmojiTask.open(REAL)
    task.check()
    assert [len(task.split(name)) for name in SPLITS] == [803, 145, 429]
    assert task.split("train").labels.unique().tolist() == list(range(9))
    assert (task.split("test").inputs["Text"].norm(dim=1) > 0.99).all()
