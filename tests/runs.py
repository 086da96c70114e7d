"""A search on the digits, and one on arrays, each of seconds, finished; their folders are copied, not changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bmnas

CONFIG = bmnas.SearchConfig(
    epochs=1, channels=6, length=4, batch_size=60, cells=1, steps=1, seed=3, select="alpha", select_budget=2
)
TRAIN = bmnas.TrainConfig(epochs=1, batch_size=60, seed=3)
NAMES = ("no", "=yes", "per haps")


@pytest.fixture(scope="session")
def digits_run(digits_training: list[Any], shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a search on the digits."""
    folder = tmp_path_factory.mktemp("prediction") / "digits"
    bmnas.search("digits", CONFIG, train=TRAIN, folder=folder, cache=shared / "cache", device="cpu")
    return folder


@pytest.fixture(scope="session")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of arrays to search on: sequences with padding, and vectors; three classes with names."""
    folder = tmp_path_factory.mktemp("arrays")
    random = np.random.default_rng(0)
    labels = random.integers(3, size=120)
    sound = random.normal(size=(120, 5, 7)) + labels[:, None, None]
    sound[::3, :, 5:] = 0
    np.save(folder / "Sound_1.npy", sound)
    np.save(folder / "Text_1.npy", random.normal(size=(120, 4)) + labels[:, None])
    np.save(folder / "labels.npy", labels)
    splits = {"train": [*range(80)], "validation": [*range(80, 100)], "test": [*range(100, 120)]}
    (folder / "splits.json").write_text(json.dumps(splits))
    (folder / "task.json").write_text(json.dumps({"name": "told", "class_names": NAMES}))
    return folder


@pytest.fixture(scope="session")
def arrays_run(arrays: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a search on the arrays."""
    base = tmp_path_factory.mktemp("prediction")
    config, train = CONFIG.changed(batch_size=10), TRAIN.model_copy(update={"batch_size": 10})
    bmnas.search(
        bmnas.get_task(str(arrays)), config, train=train, folder=base / "run", cache=base / "cache", device="cpu"
    )
    return base / "run"
