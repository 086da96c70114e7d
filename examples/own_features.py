"""Your own features: a folder of arrays for ``bmnas search --features``, or arrays straight from Python.

The features are made up: 9 classes, of which the video tells the row of three by three, and the audio the column. A
modality alone is right in a third of the cases, both together know the class.

Use it with: python examples/own_features.py made-up-features
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import bmnas
from bmnas.tasks.arrays import ArrayTask

SAMPLES = 600


def make(seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, list[int]]]:
    """Features by name, each (N, C) or (N, C, ...); labels (N,); the indices of each split."""
    random = np.random.default_rng(seed)
    labels = random.integers(9, size=SAMPLES)
    tells = {"Video": labels // 3, "Audio": labels % 3}
    shapes = {"Video_1": (8, 6, 4), "Video_2": (16,), "Audio_1": (6, 20), "Audio_2": (12,)}
    features = {}
    for name, shape in shapes.items():
        patterns = random.normal(size=(3, *shape))
        noise = random.normal(size=(SAMPLES, *shape))
        features[name] = (patterns[tells[name.split("_")[0]]] + noise).astype(np.float32)
    order = random.permutation(SAMPLES).tolist()
    return features, labels, {"train": order[:400], "validation": order[400:500], "test": order[500:]}


def write(folder: Path) -> None:
    """The folder that ``bmnas search --features`` takes; one that is there already is not touched."""
    features, labels, splits = make()
    folder.mkdir(parents=True)
    for name, array in features.items():
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "labels.npy", labels)
    (folder / "splits.json").write_text(json.dumps(splits))


def search(*, evaluate: bool = True, **settings: int) -> bmnas.SearchResult:
    """The same from Python, without a folder of arrays; the settings are those of `bmnas.SearchConfig`.

    The run folder is named after the task: runs/made-up-seed0, another one than that of the command.
    """
    features, labels, splits = make()
    task = ArrayTask(features, labels, splits, name="made-up")
    config = bmnas.SearchConfig.for_task(task, **settings)
    return bmnas.search(task, config, evaluate=evaluate)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "made-up-features")
    if folder.exists():
        sys.exit(f"{folder}: exists; name another folder")
    write(folder)
    print(f"bmnas search --features {folder}")
