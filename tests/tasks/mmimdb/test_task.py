from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.tasks import SPLITS, get_task
from bmnas.tasks.loading import load
from bmnas.tasks.mmimdb import MmimdbTask, task as task_module
from bmnas.tasks.mmimdb.layout import GENRES
from tests.paper_golden import FOLDER, MINIATURE, _projections
from tests.tasks.mmimdb.made_up import FILE, OFFICIAL, SETS, changed, copied, facts, prepared, replaced


def released(folder: Path) -> MmimdbTask:
    return MmimdbTask(folder, preprocessing="released", imagenet="none")


@pytest.fixture(params=["official", "prepared"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return OFFICIAL if request.param == "official" else prepared(tmp_path / "prepared")


def test_samples_are_the_golden_ones_to_the_bit(folder: Path) -> None:
    task, golden = released(folder), facts()
    for name in SPLITS:
        source = task.split(name)
        for index in range(len(source)):
            inputs, label = source[index]
            known = golden.pop(f"{SETS[name]}/{index}")
            assert [str(each.dtype) for each in (inputs["Image"], inputs["Text"], label)] == known["dtypes"]
            assert label.tolist() == known["label"]
            assert inputs["Text"].shape == (known["textlen"],)
            for modality, kept in (("Image", known["image"]), ("Text", known["text"])):
                assert list(inputs[modality].shape) == kept["shape"]
                array = inputs[modality].numpy().astype(np.float64).reshape(-1)
                assert [array.mean(), array.std(), array.min(), array.max()] == [
                    kept[what] for what in ("mean", "std", "min", "max")
                ]
                assert _projections(array, 2) == kept["projections"]
            assert inputs["Image"][:, 0, 0].tolist() == known["image_corner"]
            assert inputs["Image"][:, 20, 40].tolist() == known["image_at_20_40"]
            assert inputs["Text"][:3].tolist() == known["text_first3"]
    assert not golden


def test_every_movie_is_in_one_split_and_is_named() -> None:
    task = released(OFFICIAL)
    task.check()
    names = [task.split(name).describe(index) for name in SPLITS for index in range(len(task.split(name)))]
    assert names[0] == f"{FILE}, movie 0001074 (row 2)" and len(set(names)) == 9
    assert task.remarks() == []
    assert task.groups("train") is None


def test_the_genres_are_those_of_the_file_or_the_known_ones(tmp_path: Path) -> None:
    known = json.loads((FOLDER / "mmimdb_facts.json").read_text())["genres_in_order"]
    assert list(GENRES) == known == list(MmimdbTask.described().class_names)
    folder = copied(tmp_path)
    with changed(folder) as file:
        file["genres"].attrs["target_names"] = json.dumps([f"Genre {k}" for k in range(23)])
    assert MmimdbTask(folder).class_names[22] == "Genre 22"
    with changed(folder) as file:
        del file["genres"].attrs["target_names"]
    assert list(MmimdbTask(folder).class_names) == known


def test_scores_are_weighted_f1_at_three_tenths() -> None:
    assert get_task("mmimdb", data=OFFICIAL).metric.name == "f1-weighted@0.3"


def test_of_one_modality_alone_nothing_else_is_read(tmp_path: Path) -> None:
    folder = copied(tmp_path / "file")
    with changed(folder) as file:
        del file["images"]
    inputs, _ = get_task("mmimdb", data=folder, modalities=["text"]).split("test")[0]
    assert list(inputs) == ["Text"]
    with pytest.raises(BmnasError, match="has no data set 'images', but 'features', 'genres'"):
        get_task("mmimdb", data=folder).check()
    folder = prepared(tmp_path / "prepared")
    (folder / "train" / "text_000003.npy").unlink()
    assert len(get_task("mmimdb", data=folder, modalities=["image"]).split("train")) == 4


def test_workers_read_the_same_and_open_the_file_themselves(folder: Path) -> None:
    source = released(folder).split("train")
    inputs, label = source[3]  # now this process has opened it
    for again in (pickle.loads(pickle.dumps(source))[3],):  # noqa: S301 - our own
        assert torch.equal(again[0]["Image"], inputs["Image"])
    batches = [loaded.batch for loaded in load(source, 2, workers=2)]
    assert batches[1] is not None and torch.equal(batches[1].inputs["Image"][1], inputs["Image"])
    assert torch.equal(batches[1].labels[1], label)


def test_the_fingerprint_changes_with_files_and_splits(tmp_path: Path) -> None:
    folder = copied(tmp_path / "file")
    before = MmimdbTask(folder).data_fingerprint()
    assert before == MmimdbTask(folder).data_fingerprint()
    assert before != MmimdbTask(folder, split="file").data_fingerprint()
    os.utime(folder / FILE, ns=(1, 1))
    assert before != MmimdbTask(folder).data_fingerprint()
    folder = prepared(tmp_path / "prepared")
    before = {name: MmimdbTask(folder).data_fingerprint([name]) for name in ("Image", "Text")}
    os.utime(folder / "dev" / "text_000001.npy", ns=(1, 1))
    assert before["Image"] == MmimdbTask(folder).data_fingerprint(["Image"])
    assert before["Text"] != MmimdbTask(folder).data_fingerprint(["Text"])


def test_options_are_values_and_make_the_same_backbones() -> None:
    task = MmimdbTask(OFFICIAL, preprocessing="released", split="file", imagenet="none")
    assert task.options == {"preprocessing": "released", "split": "file", "imagenet": "none"}
    assert MmimdbTask.of_options(json.loads(json.dumps(task.options))).options == task.options
    with pytest.raises(BmnasError, match="preprocessing"):
        MmimdbTask(OFFICIAL, preprocessing="fast")  # type: ignore[arg-type]


@pytest.mark.parametrize(("other", "name"), [("ntu", "NTU RGB"), ("egogesture", "EgoGesture")])
def test_a_folder_of_another_data_set_is_told(other: str, name: str) -> None:
    with pytest.raises(BmnasError, match=rf"{other}: looks like {name}.*, not like MM-IMDB; the data folder holds"):
        MmimdbTask(MINIATURE / other).check()


def test_a_folder_of_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match=r"has no multimodal_imdb\.hdf5; the data folder holds"):
        MmimdbTask(tmp_path).check()
    (tmp_path / "mmimdb.h5").touch()
    with pytest.raises(BmnasError, match=r"has mmimdb\.h5, but no multimodal_imdb\.hdf5"):
        MmimdbTask(tmp_path).check()
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "0001074.jpeg").touch()
    with pytest.raises(BmnasError, match="looks like the archive of MM-IMDB's posters and plots"):
        MmimdbTask(tmp_path).check()


def test_a_split_without_movies_is_told(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    lists = json.loads((folder / "split.json").read_text())
    (folder / "split.json").write_text(json.dumps({**lists, "train": lists["train"] + lists["dev"], "dev": []}))
    with pytest.raises(BmnasError, match="the validation split of task mmimdb is empty"):
        MmimdbTask(folder).check()


def test_a_movie_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with changed(folder) as file:
        file["features"][2, 7] = np.nan
    (first, *_) = load(MmimdbTask(folder).split("train"), 4, workers=0)
    assert first.kept == [1, 2, 3]
    assert first.bad[0].why == f"{FILE}, movie 0001074 (row 2): cannot be read: the text's vector has a NaN"


def test_files_with_many_posters_in_one_piece_are_told(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with changed(folder) as file:
        posters = file["images"][:]
        del file["images"]
        file.create_dataset("images", data=posters, chunks=(9, 3, 16, 16))
    assert MmimdbTask(folder).remarks() == [
        f"{FILE} has 9 posters in one piece, so reading is slow; h5repack -l images:CONTI writes a file in which they "
        "are apart"
    ]


def test_more_movies_than_the_official_file_has_need_a_split(tmp_path: Path) -> None:
    folder = replaced(copied(tmp_path), "genres", np.zeros((9, 23), np.int32))
    with changed(folder) as file:
        del file.attrs["split"]
    (folder / "split.json").unlink()
    with pytest.raises(BmnasError, match="has 9 movies and no attribute 'split', so a file"):
        MmimdbTask(folder).check()


@pytest.mark.slow
def test_taps_have_the_channels_that_are_said() -> None:
    from bmnas.taps import run_taps

    task = released(OFFICIAL)
    inputs, _ = task.split("train")[0]
    for modality in task.modalities:
        features = [feature for feature in task.features if feature.modality == modality]
        taps = {feature.name: task.taps[feature.name] for feature in features}
        found = run_taps(task.build_backbone(modality).eval(), taps, inputs[modality][None])
        assert [found[feature.name].shape[1] for feature in features] == [feature.channels for feature in features]


def test_the_text_network_is_trained_and_the_image_network_begins_with_imagenet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_module, "train_on_source", lambda *_, **__: 0.25)
    torch.manual_seed(0)
    task = MmimdbTask(OFFICIAL, imagenet=str(tmp_path / "vgg19.pth"))
    text = task.build_backbone("Text")
    before = text.state_dict()["hid2val.weight"].clone()
    score = task.train_backbone("Text", text, device="cpu")
    assert score is not None and 0 <= score <= 1 and not torch.equal(text.state_dict()["hid2val.weight"], before)
    image = task.build_backbone("Image")
    torch.save({"features.0.bias": torch.arange(64.0), "classifier.0.bias": torch.zeros(2)}, tmp_path / "vgg19.pth")
    assert task.train_backbone("Image", image, device="cpu") == 0.25
    assert image.state_dict()["vgg.0.bias"].tolist() == list(range(64))
