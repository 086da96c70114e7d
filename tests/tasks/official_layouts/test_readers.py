"""What the readers of the official layouts give, and what they refuse."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.tasks.official_layouts import (
    RegionFiles,
    answer_labels,
    answer_words,
    files_by_number,
    normalised,
    read_answers,
    read_captions,
    read_descriptions,
    read_file_names,
    read_questions,
    read_regions,
    score_of,
    soft_scores,
)
from tests.mmnas_golden import case_of
from tests.tasks.official_layouts.miniature import (
    annotation,
    description,
    dump,
    question,
    regions,
    write_flickr,
    write_refcoco,
    write_vqa,
)


@pytest.mark.parametrize(("given", "expected"), case_of("preprocessing", "prep/answers")["normalised"].items())
def test_answers_are_written_as_the_official_evaluation_does(given, expected):
    assert normalised(given) == expected
    assert normalised(expected) == expected


@given(st.text("ab ,.'-/1?\n", max_size=30))
def test_an_answer_that_is_normalised_has_no_blanks_at_its_ends(text):
    found = normalised(text)
    assert found == " ".join(found.split())


def test_the_score_is_the_mean_over_leaving_one_person_out():
    for people in range(11):
        nines = [(people - 1) / 3] * people + [people / 3] * (10 - people)
        assert score_of(people) == pytest.approx(sum(min(1, max(0, nine)) for nine in nines) / 10)
    golden = case_of("preprocessing", "prep/answers")["score_by_count"]
    assert {str(people): score_of(people) for people in range(11)} == golden


def test_soft_scores_of_known_answers():
    given = ["Two"] * 5 + ["2"] * 2 + ["a dog"] * 2 + ["cow"]
    assert soft_scores(given, {"2": 4, "dog": 0}) == {4: 1.0, 0: 0.6}


def test_questions_and_answers(tmp_path):
    folder = write_vqa(tmp_path)
    asked = folder / "v2_OpenEnded_mscoco_train2014_questions.json"
    questions = read_questions(asked)
    assert (len(questions), questions[4]) == (36, (4, 10, "How many dogs are there?"))
    answered = read_answers(folder / "v2_mscoco_train2014_annotations.json", questions, asked)
    assert [each.kind for each in answered[:3]] == [0, 1, 2]
    known = answer_words(answered)
    assert known == ("yes", "2", "kite")
    labels = answer_labels(answered, (*known, "no"))
    assert labels["answers"][:2].tolist() == [[0, 3], [1, -1]]
    torch.testing.assert_close(labels["scores"][:2], torch.tensor([[1.0, 0.6], [1.0, 0.0]]))
    with pytest.raises(BmnasError, match=r"^no answer is the usual one of more than 99 questions"):
        answer_words(answered, 99)


def test_answers_of_another_split_are_refused_by_name(tmp_path):
    folder = write_vqa(tmp_path)
    asked, other = (
        folder / "v2_OpenEnded_mscoco_train2014_questions.json",
        folder / "v2_mscoco_val2014_annotations.json",
    )
    message = (
        f"^{re.escape(str(other))}: has the answers of 'val2014', but {re.escape(str(asked))} has the questions of 'tr"
    )
    with pytest.raises(BmnasError, match=message):
        read_answers(other, read_questions(asked), asked)
    value = json.loads(other.read_text())
    del value["data_subtype"]
    with pytest.raises(BmnasError, match="has the answers of 'val2014'"):  # by the name of the file
        read_answers(dump(other, value), read_questions(asked), asked)
    renamed = dump(folder / "answers.json", value)
    with pytest.raises(BmnasError, match=r"has no answers to question 12 of .*: they are those of another split"):
        read_answers(renamed, read_questions(asked)[12:], asked)


def refused(read: Callable[[Path], Any], path: Path, message: str) -> None:
    with pytest.raises(BmnasError, match=f"^{re.escape(str(path))}: {message}"):
        read(path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "is .*, but should be an object"),
        ({"question": []}, "has no 'questions'; did you mean 'question'"),
        ({"questions": []}, "has an empty list 'questions'"),
        ({"questions": [3]}, r"questions\[0\]: is 3, but should be an object"),
        ({"questions": [{"question_id": 1, "image": 2}]}, r"questions\[0\]: has no 'image_id'; did you mean 'image'"),
        (
            {"questions": [question(1, 2) | {"question_id": 1.5}]},
            r"questions\[0\]: question_id is 1.5, but should be a wh",
        ),
        ({"questions": [question(1, 2) | {"question": None}]}, r"questions\[0\]: question is null, but should be text"),
        ({"questions": [question(1, 2), question(1, 3)]}, r"questions\[1\] has the question_id 1 for the second time"),
    ],
)
def test_files_of_questions_that_cannot_be(tmp_path, value, message):
    refused(read_questions, dump(tmp_path / "questions.json", value), message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answer_type": "yes"}, r"annotations\[0\]: answer_type is 'yes', but should be one of yes/no, number, other"),
        ({"answers": [{"answer": 3}]}, r"annotations\[0\]\.answers\[0\]: answer is 3, but should be text"),
        ({"answers": "yes"}, r"annotations\[0\]: answers is 'yes', but should be a list"),
        ({"image_id": 8}, r"question 1 is about image 8, but in .* about 2"),
    ],
)
def test_files_of_answers_that_cannot_be(tmp_path, changes, message):
    asked = dump(tmp_path / "questions.json", {"questions": [question(1, 2)]})
    path = dump(tmp_path / "answers.json", {"annotations": [annotation(1, 2) | changes]})
    refused(lambda path: read_answers(path, read_questions(asked), asked), path, message)


def test_descriptions(tmp_path):
    found = read_descriptions(write_refcoco(tmp_path) / "testA.json")
    assert len(found) == 6
    assert found[1].text == "the middle thing"
    assert found[1].file == "COCO_train2014_000000000009.jpg"
    assert found[1].box == pytest.approx((50 / 3, 5, 50 / 3 + 9, 30))
    assert found[1].size == (60, 40)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": "the left"}, r"\[0\]: tokens is 'the left', but should be a list"),
        ({"tokens": []}, r"\[0\]: tokens is \[\]"),
        ({"split": "val"}, r"\[0\]: is of the split 'val', but the file is called testA.json"),
        ({"bbox": [50, 5, 30, 9]}, r"\[0\]: bbox is \[50.0, 5.0, 30.0, 9.0\] .*outside its image of 60 x 40 pixels"),
        ({"bbox": [5, 5, 0, 9]}, r"\[0\]: bbox is \[5.0, 5.0, 0.0, 9.0\]"),
        ({"bbox": [5, 5, 9]}, r"\[0\]: bbox is \[5, 5, 9\], but should be 4 numbers"),
        ({"file_name": "../x.jpg"}, r"\[0\]: file_name is '../x.jpg', but should be the name of a file"),
    ],
)
def test_files_of_descriptions_that_cannot_be(tmp_path, changes, message):
    refused(read_descriptions, dump(tmp_path / "testA.json", [description(0, "testA") | changes]), message)


def test_captions(tmp_path):
    folder = write_flickr(tmp_path)
    found = read_captions(folder / "dev_caps.txt", folder / "dev_ids.txt")
    assert len(found) == 15
    assert found[6] == ("A dog number 7 runs, caption 1", 7)
    (folder / "dev_ids.txt").write_text("\n".join(str(6 + place // 5) for place in range(15)))
    assert read_captions(folder / "dev_caps.txt", folder / "dev_ids.txt") == found
    assert read_file_names(folder / "dataset_flickr30k.json")[7] == "1007.jpg"


@pytest.mark.parametrize(
    ("captions", "numbers", "message"),
    [
        ("a\nb\n", "1\n", "has 2 captions, but .* has 1 numbers; there should be 5 captions of each image"),
        ("a\n\nb\nc\nd\n", "1\n", "line 2 is empty"),
    ],
)
def test_captions_that_do_not_fit(tmp_path, captions, numbers, message):
    (tmp_path / "caps.txt").write_text(captions)
    (tmp_path / "ids.txt").write_text(numbers)
    refused(lambda path: read_captions(path, tmp_path / "ids.txt"), tmp_path / "caps.txt", message)


def test_a_number_that_is_none(tmp_path):
    (tmp_path / "caps.txt").write_text("a\n" * 5)
    (tmp_path / "ids.txt").write_text("x1\n")
    refused(lambda path: read_captions(tmp_path / "caps.txt", path), tmp_path / "ids.txt", "line 1 is 'x1'")


def test_regions_of_a_folder(tmp_path):
    for image in (9, 12):
        regions(tmp_path / f"COCO_train2014_{image:012}.jpg.npz", image % 5, seed=image)
    regions(tmp_path / "77.jpg.npz")
    found = files_by_number(tmp_path)
    assert sorted(found) == [9, 12, 77]
    source = RegionFiles([found[12], found[9]], length=5)
    assert (len(source), source.channels, source.length) == (2, 6, 5)
    taken = source.take(torch.tensor([1, 0, 1]))
    assert (taken.features != 0).any(dim=2).sum(dim=1).tolist() == [4, 2, 4]
    with np.load(found[9]) as archive:
        torch.testing.assert_close(taken.features[0, :4], torch.from_numpy(archive["x"].T))
    assert taken.sizes.tolist() == [[60, 40]] * 3
    assert source.name(1) == str(found[9])


def test_each_image_of_a_batch_is_read_once(tmp_path, monkeypatch):
    paths = [regions(tmp_path / f"{image}.jpg.npz") for image in range(3)]
    source, opened = RegionFiles(paths, 4, 6), []
    load = np.load
    monkeypatch.setattr(np, "load", lambda path, **options: opened.append(path) or load(path, **options))
    source.take(torch.tensor([2, 0, 2, 2, 0]))
    assert opened == [paths[0], paths[2]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbox": None}, "has no 'bbox'"),
        ({"x": np.ones((3, 6))}, r"x has shape \(3, 6\) and bbox \(3, 4\), but should be \(channels, regions\)"),
        ({"image_w": np.ones(2)}, "image_w and image_h should be one number each"),
        ({"x": np.full((6, 3), "a")}, "x is <U1, but should be numbers"),
        ({"x": np.full((6, 3), None)}, "is no whole NumPy archive"),  # it would be unpickled
    ],
)
def test_archives_that_cannot_be(tmp_path, changes, message):
    refused(read_regions, regions(tmp_path / "1.npz", **changes), message)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"count": 5}, "has 5 regions, but the length is 4"),
        ({"channels": 8}, "its regions have 8 channels, but those of .* have 6: they are features of another backbone"),
        ({"image_w": np.array(30)}, "the box of region 2 is .*, outside its image of 30, 40 pixels"),
        ({"x": np.zeros((6, 3))}, "all its regions are padding"),
        ({"x": np.full((6, 3), np.nan)}, "has a feature that is not a finite number"),
    ],
)
def test_images_that_cannot_be_used(tmp_path, second, message):
    source = RegionFiles([regions(tmp_path / "1.npz"), regions(tmp_path / "2.npz", **second)], 4)
    refused(lambda _: source.take(torch.tensor([0, 1])), tmp_path / "2.npz", message)


def test_files_that_are_no_archives(tmp_path, monkeypatch):
    (tmp_path / "1.npz").write_bytes(b"no archive")
    refused(read_regions, tmp_path / "1.npz", "is no whole NumPy archive")
    refused(read_regions, tmp_path / "2.npz", "cannot be read: no such file")
    with zipfile.ZipFile(tmp_path / "3.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(2**20 + 1))
    monkeypatch.setattr("bmnas.tasks.official_layouts.region_files._LARGEST", 2**20)
    refused(read_regions, tmp_path / "3.npz", "is larger than 1 MiB when it is unpacked")


def test_folders_without_regions(tmp_path):
    with pytest.raises(BmnasError, match="none: cannot be read: no such file or directory; it should have the regions"):
        files_by_number(tmp_path / "none")
    with pytest.raises(BmnasError, match=r"has no regions, an archive NAME_NUMBER\.jpg\.npz an image"):
        files_by_number(tmp_path)
