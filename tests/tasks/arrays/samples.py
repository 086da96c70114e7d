"""A small folder of arrays that is right, for tests that make one thing in it wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = 30
SPLIT_LISTS = {
    "train": list(range(15)),
    "validation": list(range(15, 22)),
    "test": [29, 28, *range(22, 28)],
}


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "Video_2": random.normal(size=(SAMPLES, 4, 6, 3)).astype(np.float32),
        "Video_10": random.normal(size=(SAMPLES, 5)).astype(np.float16),
        "Audio": random.integers(0, 100, size=(SAMPLES, 3, 7)),
        "labels": np.arange(SAMPLES) % 3,
    }


def write(folder: Path, *, without: tuple[str, ...] = (), **changed: Any) -> Path:
    """The folder with some arrays left out, changed or added; ``task`` is the content of task.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in {**arrays(), **changed}.items():
        if name not in (*without, "splits", "task"):
            np.save(folder / f"{name}.npy", array)
    if "splits" not in without:
        (folder / "splits.json").write_text(json.dumps(changed.get("splits", SPLIT_LISTS)))
    if "task" in changed:
        (folder / "task.json").write_text(json.dumps(changed["task"]))
    return folder
