from __future__ import annotations

import json
import os
import zipfile

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS
from bmnas.tasks.arrays import open_folder
from tests.tasks.arrays.samples import SAMPLES, SPLIT_LISTS, arrays, write


def content(task):
    """Everything that a task gives, as plain data."""
    found = {}
    for name in SPLITS:
        part = task.split(name).part(0, SAMPLES)
        tensors = {feature: tensor for tree in part.inputs.values() for feature, tensor in tree.items()}
        found[name] = {feature: tensors[feature].tolist() for feature in sorted(tensors)} | {
            "labels": part.labels.tolist()
        }
    return found


def in_one_file(save):
    def layout(folder):
        folder.mkdir()
        save(folder / "all", arrays())
        (folder / "splits.json").write_text(json.dumps(SPLIT_LISTS))

    return layout


def mixed(folder):
    folder.mkdir()
    given = arrays()
    np.save(folder / "Video_2.npy", np.asfortranarray(given["Video_2"].astype(">f4")))
    np.savez(folder / "some.npz", labels=given["labels"], Audio=given["Audio"].astype(np.uint8))
    safetensors.numpy.save_file({"Video_10": given["Video_10"]}, folder / "rest.safetensors")
    (folder / "splits.json").write_text(json.dumps(SPLIT_LISTS))
    (folder / "README.md").write_text("not an array")
    (folder / "._Video_2.npy").write_bytes(b"what a Mac leaves")


def by_split(folder):
    for name, indices in SPLIT_LISTS.items():
        (folder / name).mkdir(parents=True)
        for array, values in arrays().items():
            np.save(folder / name / f"{array}.npy", values[indices])


@pytest.mark.parametrize(
    "layout",
    [
        in_one_file(lambda path, given: np.savez(path, **given)),
        in_one_file(lambda path, given: np.savez_compressed(path, **given)),
        in_one_file(lambda path, given: safetensors.numpy.save_file(given, f"{path}.safetensors")),
        mixed,
        by_split,
    ],
    ids=["npz", "compressed", "safetensors", "mixed", "by-split"],
)
def test_every_layout_is_the_same_task(tmp_path, layout):
    plain = open_folder(write(tmp_path / "plain"))
    layout(tmp_path / "other")
    other = open_folder(tmp_path / "other")
    assert content(other) == content(plain)
    assert sorted(other.features, key=str) == sorted(plain.features, key=str)
    assert [feature.name for feature in plain.features] == ["Audio", "Video_2", "Video_10"]
    other.check()
    assert (plain.name, other.name) == ("plain", "other")


def test_splits_for_each_sample(tmp_path):
    names = np.array(["train"] * 15 + ["validation"] * 7 + ["test"] * 8)
    folder = write(tmp_path / "d", without=("splits",))
    np.save(folder / "splits.npy", names)
    assert content(open_folder(folder))["train"] == content(open_folder(write(tmp_path / "e")))["train"]


def test_bfloat16_in_safetensors(tmp_path):
    tensor = torch.randn(SAMPLES, 3).to(torch.bfloat16)
    folder = write(tmp_path / "d", without=("Audio",))
    safetensors.torch.save_file({"Text": tensor}, folder / "text.safetensors")
    part = open_folder(folder).split("validation").part(0, 7)
    assert torch.equal(part.inputs["Text"]["Text"], tensor[15:22].float())


def test_numbers_of_eight_bits_are_no_features(tmp_path):
    folder = write(tmp_path / "d")
    safetensors.torch.save_file({"Text": torch.zeros(SAMPLES, 3).to(torch.float8_e4m3fn)}, folder / "text.safetensors")
    with pytest.raises(BmnasError, match=r"text.safetensors: array 'Text': has type F8_E4M3, but should hold"):
        open_folder(folder)


def test_one_modality_is_enough(tmp_path):
    task = open_folder(write(tmp_path / "d", without=("Audio", "Video_2")))
    assert task.modalities == ("Video",)


def test_nothing_but_headers_and_labels_is_read_before_it_is_wanted(tmp_path):
    write(tmp_path / "d")
    (tmp_path / "d" / "Video_2.npy").unlink()
    np.savez_compressed(tmp_path / "d" / "more.npz", Video_2=arrays()["Video_2"])
    task = open_folder(tmp_path / "d")
    os.unlink(tmp_path / "d" / "more.npz")  # noqa: PTH108
    with pytest.raises(BmnasError, match=r"more.npz: array 'Video_2': cannot be unpacked"):
        task.check()


def test_the_fingerprint_is_that_of_the_content(tmp_path):
    before = open_folder(write(tmp_path / "d")).data_fingerprint()
    assert open_folder(write(tmp_path / "e")).data_fingerprint() == before
    other = arrays()["Video_2"]
    other[7, 0, 0, 0] += 1
    assert open_folder(write(tmp_path / "d", Video_2=other)).data_fingerprint() != before


def test_task_json(tmp_path):
    labels = (np.arange(SAMPLES)[:, None] % 4 == np.arange(3)).astype(int)
    said = {
        "name": "mine",
        "objective": "multi-label",
        "class_weights": "balanced",
        "threshold": 0.3,
        "metric": "f1-macro",
        "features": {"Video_2": {"modality": "Face", "reshape": "grid"}},
        "settings": {"channels": 16, "epochs": 3},
    }
    task = open_folder(write(tmp_path / "d", labels=labels, task=said))
    assert (task.name, task.objective.name, task.metric.name) == ("mine", "multi-label", "f1-macro@0.3")
    assert task.objective.class_weights == "balanced"
    assert task.modalities == ("Audio", "Face", "Video")
    assert (task.settings["channels"], task.settings["epochs"], task.settings["length"]) == (16, 3, 9)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"objectiv": "regression"}, "task.json: 'objectiv' is not a key that it may have; did you mean 'objective'"),
        ({"settings": {"chanels": 3}}, "'settings.chanels' is not a key .* did you mean 'channels'"),
        ({"features": {"Audio": {"shape": "grid"}}}, "'features.Audio.shape' is not a key .*did you mean 'reshape'"),
        ({"features": {"Adio": {}}}, "task.json: describes the feature 'Adio', .* did you mean 'Audio'"),
        ({"features": {"Audio": {"reshape": "grit"}}}, "features.Audio.reshape is 'grit'; did you mean 'grid'"),
        ({"objective": "multilabel"}, "task.json: objective is 'multilabel'; did you mean 'multi-label'"),
        ({"class_weights": [1, 0, 1]}, "class_weights has to be a list of positive numbers"),
        ({"class_weights": "balance"}, 'class_weights has to be .* or "balanced"'),
        ({"class_weights": [1.0]}, "has 1 class weights, but 3 classes"),
        ({"threshold": 0.5}, "d: 'threshold' is not an option of the objective single-label"),
        ({"outputs": 2}, "labels.npy: sample 2 is 2, but the task has 2 classes"),
        ({"outputs": "3"}, "task.json: outputs is '3'"),
        ({"metric": "acuracy"}, "d: unknown metric 'acuracy'; did you mean 'accuracy'"),
        ({"name": "a/b"}, "'a/b' cannot be the name of a task"),
        ([], "task.json: should be an object"),
    ],
)
def test_a_wrong_description(tmp_path, said, message):
    with pytest.raises(BmnasError, match=message):
        open_folder(write(tmp_path / "d", task=said))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"without": ("labels",)}, "d: has no labels: labels.npy, or an array 'labels' in another file"),
        ({"without": ("splits",)}, "d: has no splits: splits.json with lists"),
        ({"without": ("Audio", "Video_2", "Video_10")}, "d: has labels but no features; it should hold"),
        ({"Audio": np.zeros((29, 3))}, r"d/Audio.npy has 29 samples, but .*d/Video_10.npy has 30"),
        ({"labels": np.arange(29)}, r"d/labels.npy: has 29 labels, but .*d/Audio.npy has 30 samples"),
        ({"labels": np.arange(SAMPLES) - 1}, "d/labels.npy: sample 0 is -1, but the task has 29 classes"),
        (
            {"splits": {**SPLIT_LISTS, "test": [0]}},
            "splits.json: splits 'train' and 'test' overlap: both have sample 0",
        ),
        ({"splits": {**SPLIT_LISTS, "test": [30]}}, "splits.json: split 'test': has index 30"),
        ({"splits": {**SPLIT_LISTS, "valid": []}}, "splits.json: 'valid' is no split; did you mean 'validation'"),
        ({"Audio": np.zeros(SAMPLES)}, r"d/Audio.npy: has shape \(30,\), but a feature is"),
        ({"Audio": np.zeros((0, 4))}, r"d/Audio.npy: has shape \(0, 4\), so there is nothing in it"),
        ({"Audio": np.array([["a"]] * SAMPLES)}, "d/Audio.npy: holds text"),
        ({"Audio": np.array([[{}]] * SAMPLES)}, "d/Audio.npy: holds Python objects, which are not read"),
        ({"Audio": np.zeros((SAMPLES, 2), "f4,f4")}, "d/Audio.npy: holds records"),
    ],
)
def test_a_wrong_folder(tmp_path, changes, message):
    with pytest.raises(BmnasError, match=message):
        open_folder(write(tmp_path / "d", **changes))


def test_no_folder(tmp_path):
    with pytest.raises(BmnasError, match=r"nowhere: is not there; it should hold one array"):
        open_folder(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(BmnasError, match=r"file: is no folder"):
        open_folder(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BmnasError, match=r"empty: has no arrays; it should hold one array"):
        open_folder(tmp_path / "empty")


def test_nan_is_told_with_its_file(tmp_path):
    spoilt = arrays()["Video_2"]
    spoilt[4, 2, 5, 1] = np.nan
    task = open_folder(write(tmp_path / "d", Video_2=spoilt))
    with pytest.raises(BmnasError, match=r"d/Video_2.npy: sample 4 is NaN at \[2, 5, 1\]"):
        task.check()


def test_the_same_feature_twice(tmp_path):
    folder = write(tmp_path / "d")
    np.savez(folder / "more.npz", Audio=arrays()["Audio"])
    with pytest.raises(BmnasError, match=r"more.npz: array 'Audio': .*Audio.npy has an array 'Audio' already"):
        open_folder(folder)


def test_splits_twice(tmp_path):
    folder = write(tmp_path / "d")
    np.save(folder / "splits.npy", np.zeros(SAMPLES, int))
    with pytest.raises(BmnasError, match=r"splits.json: gives splits, but so does .*splits.npy"):
        open_folder(folder)


class TestFolderForEachSplit:
    @pytest.fixture
    def folder(self, tmp_path):
        by_split(tmp_path / "d")
        return tmp_path / "d"

    def refused(self, folder, message):
        with pytest.raises(BmnasError, match=message):
            open_folder(folder)

    def test_a_name_that_is_no_split(self, folder):
        (folder / "validation").rename(folder / "valid")
        self.refused(folder, "d/valid: 'valid' is no split; did you mean 'validation'")

    def test_a_split_that_is_missing(self, folder):
        (folder / "test").rename(folder.parent / "elsewhere")
        self.refused(folder, "d: has no folder 'test'")

    def test_a_feature_that_is_missing(self, folder):
        (folder / "test" / "Audio.npy").unlink()
        self.refused(folder, "d/test: has no feature 'Audio', which .*d/train has")

    def test_labels_that_are_missing(self, folder):
        (folder / "test" / "labels.npy").unlink()
        self.refused(folder, "d/test: has no labels")

    def test_arrays_beside_the_folders(self, folder):
        np.save(folder / "labels.npy", np.zeros(3))
        self.refused(folder, "d/labels.npy: lies beside folders of splits")

    def test_samples_without_labels(self, folder):
        np.save(folder / "test" / "labels.npy", np.zeros(3, int))
        self.refused(folder, r"d/test/labels.npy: has 3 labels, but .*d/test/Audio.npy has 8 samples")

    def test_other_shapes(self, folder):
        np.save(folder / "test" / "Audio.npy", np.zeros((8, 3, 9)))
        self.refused(folder, r"d/test/Audio.npy: its samples have shape \(3, 9\), but those of .*d/train/Audio.npy")

    def test_a_label_out_of_range(self, folder):
        np.save(folder / "test" / "labels.npy", np.array([0, 1, 2, 0, -7, 0, 0, 0]))
        self.refused(folder, r"d/test/labels.npy: sample 4 is -7")

    def test_nan(self, folder):
        spoilt = arrays()["Video_10"][SPLIT_LISTS["test"]]
        spoilt[3, 1] = np.nan
        np.save(folder / "test" / "Video_10.npy", spoilt)
        with pytest.raises(BmnasError, match=r"d/test/Video_10.npy: sample 3 is NaN"):
            open_folder(folder).check()

    def test_an_empty_folder(self, folder):
        for file in (folder / "test").iterdir():
            file.unlink()
        self.refused(folder, "d/test: has no arrays")


class TestDamage:
    """Every file cut at every length, or with a byte changed, is refused in one sentence or read; nothing else."""

    def save(self, folder, kind):
        given = {"Text": np.arange(SAMPLES * 2, dtype=np.float32).reshape(SAMPLES, 2)}
        if kind == "npy":
            np.save(folder / "Text.npy", given["Text"])
            return folder / "Text.npy"
        if kind == "safetensors":
            safetensors.numpy.save_file(given, folder / "a.safetensors")
            return folder / "a.safetensors"
        (np.savez if kind == "npz" else np.savez_compressed)(folder / "a.npz", **given)
        return folder / "a.npz"

    @pytest.mark.parametrize("kind", ["npy", "npz", "compressed", "safetensors"])
    def test_a_file_that_is_cut_short(self, tmp_path, kind):
        file = self.save(write(tmp_path / "d"), kind)
        whole = file.read_bytes()
        open_folder(tmp_path / "d").check()
        for length in [0, 1, 5, 9, 60, *range(100, len(whole), 41), len(whole) - 1]:
            file.write_bytes(whole[:length])
            with pytest.raises(BmnasError, match=rf"{file.name}: (is|array|cannot|damaged)"):
                open_folder(tmp_path / "d").check()

    @pytest.mark.parametrize("kind", ["npy", "npz", "compressed", "safetensors"])
    def test_a_byte_that_is_changed(self, tmp_path, kind):
        file = self.save(write(tmp_path / "d"), kind)
        whole = file.read_bytes()
        before = open_folder(tmp_path / "d").data_fingerprint()
        for place in range(0, len(whole), 5):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
            try:
                task = open_folder(tmp_path / "d")
                task.check()
            except BmnasError:
                continue
            if "Text" in task.taps and place > 200 and kind in ("npy", "safetensors"):
                assert task.data_fingerprint() != before

    def test_a_file_that_is_something_else(self, tmp_path):
        for name in ("a.npy", "a.npz", "a.safetensors"):
            file = write(tmp_path / "d") / name
            file.write_text("<html>404 not found</html>")
            with pytest.raises(BmnasError, match=rf"{name}: is not a"):
                open_folder(tmp_path / "d")
            file.unlink()

    def test_an_array_that_unpacks_to_more_than_the_memory(self, tmp_path, monkeypatch):
        folder = write(tmp_path / "d")
        np.savez_compressed(folder / "bomb.npz", Bomb=np.zeros((SAMPLES, 100_000), np.float32))
        monkeypatch.setattr("bmnas.tasks.arrays.reading._memory", lambda: 10e6)
        with pytest.raises(BmnasError, match=r"bomb.npz: array 'Bomb': is 0.0 GiB when it is unpacked, more than"):
            open_folder(folder)

    def test_a_header_that_promises_more_than_there_is(self, tmp_path):
        folder = write(tmp_path / "d")
        with (folder / "Big.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "<f4", "fortran_order": False, "shape": (SAMPLES, 10**15)}
            )
        with pytest.raises(BmnasError, match=r"Big.npy: is cut short: .* needs 1200000.* bytes, but there are 0"):
            open_folder(folder)

    def test_pickles_are_not_read(self, tmp_path):
        class Trap:
            def __reduce__(self):
                return (open, (str(tmp_path / "ran"), "w"))

        folder = write(tmp_path / "d")
        np.savez(folder / "evil.npz", Evil=np.array([[Trap()]] * SAMPLES))
        with pytest.raises(BmnasError, match=r"evil.npz: array 'Evil': holds Python objects"):
            open_folder(folder)
        with zipfile.ZipFile(folder / "evil.npz") as archive:
            assert archive.namelist() == ["Evil.npy"]
        assert not (tmp_path / "ran").exists()
