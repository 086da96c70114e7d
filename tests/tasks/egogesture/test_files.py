"""Annotations, indices and images as users have them."""

from __future__ import annotations

import json
import re

import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.bad_sample import BadSample
from bmnas.tasks.egogesture import EgoGestureTask
from bmnas.tasks.egogesture.gestures import GESTURES, SAMPLES, SUBJECTS
from bmnas.tasks.egogesture.layout import ANNOTATIONS
from bmnas.tasks.registry import get_task
from tests.paper_golden import FOLDER, MINIATURE
from tests.tasks.egogesture.copies import ORIGINAL, TEST, TRAIN, VALIDATION, annotate, copy, rows


@pytest.fixture
def folder(tmp_path):
    return copy(tmp_path / "data")


def refusal(folder, kind: type[BmnasError] = BmnasError, **options) -> str:
    with pytest.raises(kind) as caught:
        EgoGestureTask(folder, **options).check()
    said = str(caught.value)
    assert "\n" not in said
    return said.replace(f"{folder}/", "")


def refused(folder, row: str) -> str:
    """What is said of a row of annotations, as it is of a sample."""
    annotate(folder, TRAIN, f"7,3,46\n{row}\n")
    prefix = f"sample 1 of the train split of task egogesture, {ANNOTATIONS}/{TRAIN}, line 2: "
    said = refusal(folder, BadSample)
    assert said.startswith(prefix)
    assert said.endswith("; --skip-bad leaves such samples out")
    return said.removeprefix(prefix).removesuffix("; --skip-bad leaves such samples out")


def test_gestures_and_subjects_are_those_of_the_facts():
    facts = json.loads((FOLDER / "egogesture_facts.json").read_text())
    assert list(GESTURES) == facts["classes_in_order"]
    known = {"train": "training", "validation": "validation", "test": "testing"}
    assert {known[name]: list(subjects) for name, subjects in SUBJECTS.items()} == facts["splits"]
    assert {known[name]: count for name, count in SAMPLES.items()} == facts["samples"]


@pytest.mark.parametrize("above", ["images", "."])
def test_the_official_layout_is_read_with_and_without_the_folder_images(tmp_path, above):
    folder = copy(tmp_path / "data", above=above)
    EgoGestureTask(folder).check()
    assert rows(folder) == [(6, 3, 46), (82, 20, 31)]
    assert rows(folder, "validation") == [(4, 4, 35)]
    assert rows(folder, "test") == [(23, 2, 42), (0, 5, 37)]


@pytest.mark.parametrize(
    "content",
    [
        "7,3,46\r\n83,20,31\r\n",
        "7.0,3.0,46.0\n83.0,20.,31.00",
        " 7 , 3,46\n\n   \n,,\n83,20,31,\n12,,\n",
        "\ufeff7,3,46\n83,20,31\n",
    ],
)
def test_rows_as_users_have_them(folder, content):
    annotate(folder, TRAIN, content)
    assert rows(folder) == [(6, 3, 46), (82, 20, 31)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("0,3,9", "the class is 0, but there are classes 1 to 83"),
        ("84,3,9", "the class is 84, but there are classes 1 to 83"),
        ("7,9,3", "the last frame, 3, is before the first one, 9"),
        ("7,0,3", "the first frame is 0, but frames are numbered from 1"),
        ("7,3.5,9", "the first frame is '3.5', which is no whole number"),
        ("7,3,", "the last frame is '', which is no whole number"),
        ("class,first,last", "the class is 'class', which is no whole number"),
        ("7,3", "a row has three values, class, first frame, last frame, but this has 2 values"),
        ("7;3;9", "a row has three values, class, first frame, last frame, but this has 1 value"),
        ("7,3,9,1", "a row has three values, class, first frame, last frame, but this has 4 values"),
        ("7,3,61", "images/Subject03/Scene1/Color/rgb1: ends with frame 60, but the sample has frames 3 to 61"),
    ],
)
def test_a_row_that_is_no_sample(folder, row, said):
    assert refused(folder, row) == said


def test_frames_that_are_missing(folder):
    inside = folder / "images/Subject03/Scene1/Depth/depth1"
    (inside / "000003.jpg").unlink()
    said = refusal(folder, BadSample)
    assert "images/Subject03/Scene1/Depth/depth1/000003.jpg: is missing; --skip-bad" in said
    with pytest.raises(BmnasError, match=r"depth1/000003\.jpg: is missing"):
        EgoGestureTask(folder).split("train")[0]
    EgoGestureTask(folder).with_modalities(["RGB"]).check()
    for path in inside.iterdir():
        path.unlink()
    assert "images/Subject03/Scene1/Depth/depth1: has no frames, such as 000001.jpg; --skip" in refusal(folder)
    inside.rmdir()
    assert "images/Subject03/Scene1/Depth/depth1: there is no such folder; --skip" in refusal(folder)


def test_a_frame_that_is_broken_or_missing_in_the_middle(folder):
    task = EgoGestureTask(folder)
    path = folder / "images/Subject03/Scene1/Color/rgb1/000025.jpg"
    whole = path.read_bytes()
    path.unlink()
    task.check()
    with pytest.raises(BmnasError, match=r"rgb1/000025\.jpg: cannot be read: no such file"):
        task.split("train")[1]
    for content in (whole[: len(whole) // 2], b"", b"GIF89a" + bytes(50), b"\x89PNG\r\n\x1a\n" + bytes(50), bytes(99)):
        path.write_bytes(content)
        with pytest.raises(BmnasError, match=r"rgb1/000025\.jpg: is no whole JPEG image: ") as caught:
            task.split("train")[1]
        assert "\n" not in str(caught.value)


def test_a_subject_outside_of_the_split(folder):
    annotate(folder, "subject51/Scene1/Group1.csv", "1,1,9\n")
    said = refusal(folder)
    assert (
        said == f"{ANNOTATIONS}/subject51/Scene1/Group1.csv, line 1: is of subject 51, but EgoGesture has "
        "subjects 1 to 50"
    )


def test_files_of_annotations_that_are_named_otherwise_or_twice(folder):
    path = annotate(folder, "subject03/Scene1/Group01_new.csv", "1,1,9\n")
    assert refusal(folder).startswith(f"{ANNOTATIONS}/subject03/Scene1/Group01_new.csv: annotations are subjectSS/")
    path.rename(path.with_name("group1.csv"))
    assert "are both of one recording" in refusal(folder)


def test_annotations_of_macos_are_passed_over(folder):
    annotate(folder, "subject03/Scene1/._Group1.csv", "\0\1")
    assert len(rows(folder)) == 2


def test_a_split_without_samples(folder):
    (folder / ANNOTATIONS / VALIDATION).unlink()
    said = refusal(folder)
    assert "the validation split is empty, because there is no sample of subject 1, 7, 12" in said


def test_a_folder_without_images(folder):
    (folder / "images").rename(folder / "pictures")
    assert "has annotations, but no images" in refusal(folder)


def test_a_part_of_the_data_set(folder):
    with pytest.raises(BmnasError, match=f"--data {re.escape(str(folder))} is the whole"):
        EgoGestureTask(folder / "images").check()
    with pytest.raises(BmnasError, match=f"--data {re.escape(str(folder))} is the whole"):
        EgoGestureTask(folder / ANNOTATIONS).check()


@pytest.mark.parametrize(("other", "called"), [("ntu", "NTU RGB+D (task ntu)"), ("mmimdb", "MM-IMDB (task mmimdb)")])
def test_a_folder_of_another_data_set(other, called):
    assert f"looks like {called}, not like EgoGesture" in refusal(MINIATURE / other)


def test_an_empty_folder_and_none(tmp_path):
    assert "does not hold EgoGesture; expected is a folder with images/SubjectSS" in refusal(tmp_path)
    with pytest.raises(BmnasError, match="needs its data, --data DIR: expected is a folder"):
        get_task("egogesture")


def index(folder, changes=None, **more) -> dict:
    """What the ResNeXt authors' index would have of the miniature."""
    subsets = {"train": "training", "validation": "validation", "test": "testing"}
    database, seen = {}, dict[str, int]()
    for split, subset in subsets.items():
        for sample in EgoGestureTask(ORIGINAL).split(split).samples:
            key = sample.recording.folder("RGB")
            seen[key] = seen.get(key, 0) + 1
            key += f"_{seen[key]}" if seen[key] > 1 else ""
            frames = {"start_frame": str(sample.first), "end_frame": str(sample.last)}
            database[key] = {"subset": subset, "annotations": {"label": GESTURES[sample.label], **frames}}
    for key, change in (changes or {}).items():
        database[key] = {**database[key], **change}
    return {"labels": list(GESTURES), "database": {**database, **more}}


@pytest.fixture
def indexed(tmp_path):
    """A folder that has images and an index, no annotations."""
    folder = copy(tmp_path / "indexed")
    (folder / ANNOTATIONS).rename(tmp_path / "elsewhere")
    (folder / "egogesture.json").write_text(json.dumps(index(folder)))
    return folder


def test_a_ready_made_index_gives_the_same_samples(indexed, tmp_path):
    EgoGestureTask(indexed).check()
    for split in SUBJECTS:
        assert sorted(rows(indexed, split)) == sorted(rows(ORIGINAL, split))
    elsewhere = tmp_path / "elsewhere.json"
    (indexed / "egogesture.json").rename(elsewhere)
    task = EgoGestureTask(indexed, index=str(elsewhere))
    assert len(task.split("train")) == 2
    assert task.options["index"] == str(elsewhere)
    assert not any("subset" in remark for remark in task.remarks())


def test_an_index_that_is_named_goes_before_annotations(folder, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(index(folder, {"Subject03/Scene1/Color/rgb1": {"subset": "testing"}})))
    task = EgoGestureTask(folder, index=str(path))
    assert any("1 samples in another subset" in remark for remark in task.remarks())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1]", "is no index of EgoGesture"),
        ("{", "is not JSON"),
        ('{"labels": [], "database": {}}', "its database is empty"),
        ('{"database": {"Subject03/Color/rgb1": {}}}', "the key 'Subject03/Color/rgb1' is no colour folder"),
        ('{"database": {"Subject03/Scene1/Color/rgb1": 3}}', "rgb1': it has no annotations"),
    ],
)
def test_an_index_that_is_none(indexed, content, said):
    data = json.loads(content) if content.endswith("3}}") else None
    if data:
        content = json.dumps(index(indexed, **data["database"]))
    (indexed / "egogesture.json").write_text(content)
    assert said in refusal(indexed)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": "Wave_hands"}, "the label 'Wave_hands' is no gesture; did you mean 'Wave_hand'?"),
        ({"label": None}, "the label null is no gesture"),
        ({"end_frame": "many"}, "end_frame is 'many', no whole number"),
        ({"start_frame": "50"}, "the last frame, 46, is before the first one, 50"),
    ],
)
def test_an_entry_of_an_index_that_is_no_sample(indexed, change, said):
    whole = index(indexed)
    key = "Subject03/Scene1/Color/rgb1"
    whole["database"][key]["annotations"].update(change)
    (indexed / "egogesture.json").write_text(json.dumps(whole))
    assert f"egogesture.json, '{key}': {said}" in refusal(indexed, BadSample)


def test_several_json_files(indexed):
    (indexed / "annotation").mkdir()
    (indexed / "annotation" / "other.json").write_text("{}")
    assert "has several JSON files, annotation/other.json and egogesture.json; --task egogesture:index=FILE" in refusal(
        indexed
    )


def test_a_folder_with_images_alone(indexed):
    (indexed / "egogesture.json").unlink()
    assert "has images, but neither" in refusal(indexed)


def test_the_fingerprint_changes_with_annotations_and_frames(folder):
    def fingerprint(*modalities):
        return EgoGestureTask(folder).data_fingerprint(modalities or None)

    before, depth = fingerprint(), fingerprint("Depth")
    assert fingerprint() == before
    path = folder / "images/Subject02/Scene1/Color/rgb2/000037.jpg"
    content = path.read_bytes() + b"\0"
    path.unlink()
    path.write_bytes(content)
    assert fingerprint() != before
    assert fingerprint("Depth") == depth
    annotate(folder, TEST, "24,2,42\n2,1,37\n")
    assert fingerprint("Depth") != depth
