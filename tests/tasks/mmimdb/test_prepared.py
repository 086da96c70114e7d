from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bmnas.errors import BmnasError
from bmnas.tasks.loading import load
from bmnas.tasks.mmimdb import MmimdbTask
from tests.tasks.mmimdb.made_up import prepared


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepared(tmp_path / "prepared")


def test_a_part_that_is_missing_is_named(folder: Path) -> None:
    (folder / "train" / "text_000003.npy").unlink()
    with pytest.raises(BmnasError, match=r"train/text_000003\.npy: is missing, but there is image_000003\.npy$"):
        MmimdbTask(folder).check()
    (folder / "train" / "text_000001.npy").unlink()
    with pytest.raises(BmnasError, match=r"train/text_000001\.npy: is missing.*, and so are 1 more$"):
        MmimdbTask(folder).check()


def test_a_label_is_needed(folder: Path) -> None:
    (folder / "dev" / "label_000000.npy").unlink()
    with pytest.raises(BmnasError, match=r"dev/label_000000\.npy: is missing, but there is image_000000\.npy"):
        MmimdbTask(folder).check()


def test_a_movie_is_paired_by_its_number(folder: Path) -> None:
    before = MmimdbTask(folder).split("train")[2]
    for part in ("image", "text", "label"):
        (folder / "train" / f"{part}_000001.npy").unlink()
    source = MmimdbTask(folder).split("train")
    assert len(source) == 3 and source.describe(1) == "train, number 000002"
    assert all((source[1][0][name] == before[0][name]).all() for name in ("Image", "Text"))


def test_a_split_that_is_missing_is_named(folder: Path) -> None:
    shutil.rmtree(folder / "dev")
    with pytest.raises(BmnasError, match=r"dev: there is no such folder; the data folder holds"):
        MmimdbTask(folder).check()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (np.zeros((256, 160, 3), np.int32), r"has shape \(256, 160, 3\), but should have \(3, 256, 160\)"),
        (np.full((3, 256, 160), np.nan, np.float32), "the poster has a NaN"),
        (np.full((3, 256, 160), -np.inf), "the poster has an infinite number"),
        (np.full((3, 256, 2), "poster"), "holds text, but should hold numbers"),
        (np.zeros((3, 256, 640)), "is larger than 2 MiB, too large for a part of a movie"),
        (np.array([{}]), "holds Python objects, which are not read"),
    ],
)
def test_a_poster_that_is_wrong_is_told(folder: Path, content: np.ndarray, match: str) -> None:
    np.save(folder / "train" / "image_000002.npy", content)
    (loaded,) = load(MmimdbTask(folder).split("train"), 4, workers=0)
    assert loaded.kept == [0, 1, 3]
    with pytest.raises(AssertionError, match=match):
        raise AssertionError(loaded.bad[0].why)


def test_half_a_file_is_told(folder: Path) -> None:
    path = folder / "train" / "image_000002.npy"
    for content in (b"", path.read_bytes()[:40], path.read_bytes()[:-1]):
        path.write_bytes(content)
        (loaded,) = load(MmimdbTask(folder).split("train"), 4, workers=0)
        assert loaded.kept == [0, 1, 3] and "image_000002.npy: is " in loaded.bad[0].why


def test_the_order_of_the_axes_in_memory_makes_no_difference(folder: Path) -> None:
    path = folder / "train" / "image_000002.npy"
    before = MmimdbTask(folder).split("train")[2][0]["Image"]
    np.save(path, np.asfortranarray(np.load(path)).astype(">i4"))
    assert (MmimdbTask(folder).split("train")[2][0]["Image"] == before).all()
