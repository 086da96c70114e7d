from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.mmimdb import MmimdbTask
from tests.tasks.mmimdb.made_up import FILE, OFFICIAL, changed, copied, h5py, replaced


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copied(tmp_path / "mmimdb")


def refused(folder: Path, match: str, **options: Any) -> None:
    with pytest.raises(BmnasError, match=match) as error:
        MmimdbTask(folder, **options).check()
    assert str(error.value).startswith(str(folder)) and "\n" not in str(error.value)


def test_without_h5py_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    refused(OFFICIAL, r"reading it needs h5py, which is not installed: pip install 'bmnas\[mmimdb\]'$")


def test_what_is_no_hdf5_file_is_refused(folder: Path) -> None:
    for content in (b"", b"an error page", b"\x89PNG\r\n\x1a\n" * 20):
        (folder / FILE).write_bytes(content)
        refused(folder, "is no HDF5 file, or its beginning is damaged")


def test_a_file_that_is_cut_short_is_refused(folder: Path) -> None:
    content = (folder / FILE).read_bytes()
    for share in (0.1, 0.5, 0.99):
        (folder / FILE).write_bytes(content[: int(share * len(content))])
        refused(folder, "is cut short, so copy it again: .*truncated file")


def test_a_damaged_file_gives_sentences_alone(folder: Path) -> None:
    content, random = (folder / FILE).read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(content)
        for place in random.integers(len(content) if random.random() < 0.5 else 4000, size=20):
            damaged[place] = random.integers(256)
        (folder / FILE).write_bytes(damaged)
        try:
            task = MmimdbTask(folder)
            task.check()
            for name in ("train", "validation", "test"):
                source = task.split(name)  # type: ignore[arg-type]
                for index in range(len(source)):
                    source[index]
        except BmnasError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["images", "features", "genres", "imdb_ids"])
def test_a_missing_data_set_is_named(folder: Path, name: str) -> None:
    with changed(folder) as file:
        del file[name]
    refused(folder, f"has no data set {name!r}, but ")
    with changed(folder) as file:
        file.create_group(name)
    refused(folder, f"has no data set {name!r}, but ")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("images", np.zeros((9, 256, 160, 3), np.int32), r"'images' is int32 of shape .* \(9, 3, 256, 160\)"),
        ("images", np.zeros((9, 3), "S4"), r"'images' is \|S4 of shape"),
        ("images", np.int32(1), r"'images' is int32 of shape \(\)"),
        ("features", np.zeros((9, 299), np.float32), r"'features' is float32 of shape \(9, 299\).* \(9, 300\)"),
        ("genres", np.zeros((9, 27), np.int32), r"'genres' is int32 of shape \(9, 27\).* \(9, 23\)"),
        ("genres", np.zeros((8, 23), np.int32), "'genres' has 8 rows, but 'imdb_ids' has 9"),
        ("imdb_ids", np.arange(9), r"'imdb_ids' is int64 of shape \(9,\), but should be a text of seven digits"),
    ],
)  # fmt: skip
def test_wrong_shapes_and_types_are_refused(folder: Path, name: str, content: Any, match: str) -> None:
    refused(replaced(folder, name, content), match)


def test_an_id_that_is_there_twice_is_refused(folder: Path) -> None:
    ids = [b"0001000", b"0001037", b"0001074", b"0001111", b"0001000", b"0001185", b"0001222", b"0001259", b"0001037"]
    replaced(folder, "imdb_ids", np.array(ids))
    refused(folder, "'imdb_ids' has '0001000' twice, in rows 0 and 4, and 1 more are there again")


@pytest.mark.parametrize(
    "names", ["Drama", "[1, 2]", json.dumps(["Drama"] * 23), json.dumps(["Drama"]), "{}", "[]", b"\xff"]
)
def test_names_that_are_none_are_refused(folder: Path, names: Any) -> None:
    with changed(folder) as file:
        file["genres"].attrs["target_names"] = np.void(names) if isinstance(names, bytes) else names
    refused(folder, "the attribute 'target_names' of 'genres': ")


def rows(*wanted: tuple[str, int, int], source: str = "images") -> np.ndarray[Any, Any]:
    kind = np.dtype([("split", "S5"), ("source", "S12"), ("start", "i8"), ("stop", "i8"), ("indices", h5py.ref_dtype)])
    return np.array(
        [(name.encode(), source.encode(), start, stop, h5py.Reference()) for name, start, stop in wanted], kind
    )


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (rows(("train", 0, 4), ("dev", 4, 6), ("test", 6, 25959)), "rows 6 to 25959 in 'test', but there are 9 movies"),
        (rows(("train", 0, 5), ("dev", 4, 6), ("test", 6, 9)), "has row 4 in train and in dev"),
        (rows(("train", 0, 4), ("test", 6, 9)), "gives no rows in 'dev'"),
        (rows(("train", 0, 4), ("train", 0, 3), ("dev", 4, 6), ("test", 6, 9)), "other rows for one data set than for"),
        (np.arange(3), "should say start and stop of each split"),
    ],
)
def test_wrong_ranges_of_splits_are_refused(folder: Path, table: Any, match: str) -> None:
    with changed(folder) as file:
        file.attrs["split"] = table
    refused(folder, f"its attribute 'split' .*{match}", split="file")


def test_rows_by_reference_are_refused(folder: Path) -> None:
    with changed(folder) as file:
        table = file.attrs["split"]
        table["indices"][:] = file["imdb_ids"].ref
        file.attrs["split"] = table
    refused(folder, "its attribute 'split' names rows by reference, which is not read", split="file")


def test_a_data_set_in_other_files_is_refused(folder: Path) -> None:
    with changed(folder) as file:
        del file["features"]
        file.create_dataset("features", (9, 300), np.float32, external=[("/etc/passwd", 0, 9 * 300 * 4)])
    refused(folder, "the data set 'features' lies in other files, which are not read")
    with changed(folder) as file:
        del file["features"]
        file["features"] = h5py.ExternalLink("other.hdf5", "features")
    refused(folder, "has no data set 'features'")
