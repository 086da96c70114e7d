from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.mmimdb import MmimdbTask
from tests.tasks.mmimdb.made_up import FILE, copied

LISTS = {"train": ["0001074", "0001000", "0001111", "0001037"], "dev": ["0001185", "0001148"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copied(tmp_path / "mmimdb")


def written(folder: Path, lists: Any) -> MmimdbTask:
    (folder / "split.json").write_text(lists if isinstance(lists, str) else json.dumps(lists))
    return MmimdbTask(folder)


def rows(task: MmimdbTask, name: Any) -> list[str]:
    source = task.split(name)
    return [source.describe(index).split("movie ")[1][:7] for index in range(len(source))]


def test_the_order_is_that_of_the_lists_and_the_rest_is_for_the_test(folder: Path) -> None:
    task = written(folder, LISTS)
    assert rows(task, "train") == LISTS["train"] and rows(task, "validation") == LISTS["dev"]
    assert rows(task, "test") == ["0001222", "0001259", "0001296"]
    assert task.remarks() == [f"split.json does not name 3 movies of {FILE}, taken into the test split"]


def test_the_file_itself_may_be_followed(folder: Path) -> None:
    assert rows(MmimdbTask(folder, split="file"), "train") == sorted(LISTS["train"])
    (folder / "split.json").unlink()
    assert rows(MmimdbTask(folder), "train") == sorted(LISTS["train"])


def test_a_split_file_elsewhere_may_be_followed(folder: Path) -> None:
    (folder / "split.json").rename(folder.parent / "mine.json")
    assert rows(MmimdbTask(folder, split=str(folder.parent / "mine.json")), "train") == LISTS["train"]
    with pytest.raises(BmnasError, match=r"none\.json: cannot be read: no such file"):
        MmimdbTask(folder, split=str(folder / "none.json")).check()


def test_ids_may_be_numbers(folder: Path) -> None:
    assert rows(written(folder, {name: list(map(int, ids)) for name, ids in LISTS.items()}), "train") == LISTS["train"]


def test_how_many_movies_are_elsewhere_is_told(folder: Path) -> None:
    task = written(
        folder, {**LISTS, "train": [*LISTS["train"][:3], "0001296"], "test": ["0001037", "0001222", "0001259"]}
    )
    assert task.remarks() == [
        f"split.json puts 2 movies of 9 into another split than {FILE} itself does, and is followed"
    ]


@pytest.mark.parametrize(
    ("lists", "match"),
    [
        (
            {**LISTS, "test": ["0009998", "9999", "0001222"]},
            "names 2 movies that .* does not have, such as '0009998'; the ",
        ),
        ({**LISTS, "dev": ["0001074", "0001185"]}, "names one movie more than once, such as '0001074'"),
        (
            {"train": LISTS["train"], "val": LISTS["dev"]},
            "has no list 'dev'; known: 'train', 'val'; it should have lists",
        ),
        ({**LISTS, "dev": "0001185"}, "'dev' is '0001185', but should be a list of ids"),
        ({**LISTS, "dev": [1.5]}, "'dev' has the id 1.5, but ids are of 7 digits"),
        ({**LISTS, "dev": [None]}, "'dev' has the id null"),
        ([], r"is \[\]; it should have lists of ids: train, dev, test"),
        ("{'train': []}", "is not JSON"),
        ("", "is not JSON: is empty|is empty"),
    ],
)
def test_a_split_file_that_is_wrong_is_refused(folder: Path, lists: Any, match: str) -> None:
    with pytest.raises(BmnasError, match=rf"split\.json: .*{match}|split\.json: {match}"):
        written(folder, lists).check()
