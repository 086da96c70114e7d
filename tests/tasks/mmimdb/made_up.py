"""Folders of MM-IMDB with a few movies: copies of the miniature that can be changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.paper_golden import MINIATURE, preprocessing

h5py = pytest.importorskip("h5py")

OFFICIAL = MINIATURE / "mmimdb"
FILE = "multimodal_imdb.hdf5"
SETS = {"train": "train", "validation": "dev", "test": "test"}


def facts() -> dict[str, Any]:
    """Of every golden sample, by ``train/0``."""
    return dict(preprocessing()[0]["mmimdb"]["samples"])


def copied(folder: Path) -> Path:
    """A copy of the miniature."""
    return Path(shutil.copytree(OFFICIAL, folder, dirs_exist_ok=True))


@contextmanager
def changed(folder: Path) -> Iterator[Any]:
    """Its file, to be changed."""
    with h5py.File(folder / FILE, "r+") as file:
        yield file


def replaced(folder: Path, name: str, content: Any, **attributes: Any) -> Path:
    """The folder with another data set of that name."""
    with changed(folder) as file:
        del file[name]
        file.create_dataset(name, data=content).attrs.update(attributes)
    return folder


def prepared(folder: Path) -> Path:
    """The miniature as the released code prepares it: numbered in the order of the split file."""
    lists = json.loads((OFFICIAL / "split.json").read_text())
    with h5py.File(OFFICIAL / FILE) as file:
        ids = [own.decode() for own in file["imdb_ids"][:]]
        for name, own in lists.items():
            (folder / name).mkdir(parents=True)
            for number, one in enumerate(own):
                row = ids.index(one)
                for part, source in (("image", "images"), ("text", "features"), ("label", "genres")):
                    np.save(folder / name / f"{part}_{number:06d}.npy", file[source][row])
    return folder
