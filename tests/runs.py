"""A search on the digits, and one on arrays, each of seconds, finished; their folders are copied, not changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

import bmnas

CONFIG = bmnas.SearchConfig(
    epochs=1, channels=6, length=4, batch_size=60, cells=1, steps=1, seed=3, select="alpha", select_budget=2
)
TRAIN = bmnas.TrainConfig(epochs=1, batch_size=60, seed=3)
NAMES = ("no", "=yes", "per haps")


@pytest.fixture(scope="session")
def digits_run(digits_training: list[Any], shared: Path) -> Path:
    """The run folder of a search on the digits."""
    return _searched(shared / "digits-run", "digits", CONFIG, TRAIN, shared / "cache")


@pytest.fixture(scope="session")
def arrays(shared: Path) -> Path:
    """A folder of arrays to search on: sequences with padding, and vectors; three classes with names."""
    folder = shared / "arrays"
    with FileLock(shared / "arrays.lock"):
        if not (folder / "task.json").exists():
            folder.mkdir()
            _write(folder)
    return folder


def _write(folder: Path) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(3, size=120)
    sound = random.normal(size=(120, 5, 7)) + labels[:, None, None]
    sound[::3, :, 5:] = 0
    np.save(folder / "Sound_1.npy", sound)
    np.save(folder / "Text_1.npy", random.normal(size=(120, 4)) + labels[:, None])
    np.save(folder / "labels.npy", labels)
    splits = {"train": [*range(80)], "validation": [*range(80, 100)], "test": [*range(100, 120)]}
    (folder / "splits.json").write_text(json.dumps(splits))
    (folder / "task.json").write_text(json.dumps({"name": "told", "class_names": NAMES}))  # last


@pytest.fixture(scope="session")
def arrays_run(arrays: Path, shared: Path) -> Path:
    """The run folder of a search on the arrays."""
    config, train = CONFIG.changed(batch_size=10), TRAIN.model_copy(update={"batch_size": 10})
    return _searched(shared / "arrays-run", str(arrays), config, train, shared / "arrays-cache")


def _searched(folder: Path, task: str, config: bmnas.SearchConfig, train: bmnas.TrainConfig, cache: Path) -> Path:
    """A finished search, made once for all workers."""
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            bmnas.search(bmnas.get_task(task), config, train=train, folder=folder, cache=cache, device="cpu")
            done.touch()
    return folder
