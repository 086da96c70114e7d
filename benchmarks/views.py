"""Four data sets of many small views, made from data at hand, and what scikit-learn's baselines score on them.

    python benchmarks/views.py [--data DIR] [--only NAME ...] [--write DIR]

They stand in for the multi-view data that other people bring: several hand-crafted descriptions of a sample, each some
dozens or hundreds of numbers on a scale of its own, many classes, few training samples. ``digit-views`` is made from
scikit-learn's digits and needs no data; DIR holds UTD-MHAD, free-spoken-digit-dataset and mnist for the others, each in
its official layout. Splits are fixed. ``--write`` keeps them as folders for ``bmnas search --features``.

    from views import VIEWS
    data = VIEWS["digit-views"](None)      # data.views, data.labels, data.splits, data.groups
    bmnas.search(data.task())
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from view_features import (
    fourier,
    gradients,
    morphology,
    over_time,
    principal,
    profiles,
    spectra,
    zernike,
    zones,
)

import bmnas
from bmnas.study.scikit import FITS
from bmnas.tasks.arrays import ArrayTask
from bmnas.tasks.av_digits.files import RATE, find_recordings, read_images, read_labels, read_recording
from bmnas.tasks.utd_mhad.files import find_clips, read_all
from bmnas.tasks.utd_mhad.skeleton import prepared_skeleton

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class ViewData:
    """Samples seen in several ways.

    Attributes:
        name: of the data set.
        views: by name, (N, d) float32.
        labels: (N,) int64, the class of each sample from 0.
        splits: rows of ``train``, ``validation`` and ``test``; a row may be in none.
        groups: (N,) int64, who a sample is of, where samples of one person are alike.
    """

    name: str
    views: dict[str, Array]
    labels: Array
    splits: dict[str, Array]
    groups: Array | None = None

    def task(self) -> ArrayTask:
        """As a search takes it; each view is a modality of its own."""
        return ArrayTask(self.views, self.labels, self.splits, name=self.name, groups=self.groups)

    def write(self, folder: Path) -> None:
        """As a folder of arrays, which ``--features`` takes."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, view in self.views.items():
            np.save(folder / f"{name}.npy", view)
        np.save(folder / "labels.npy", self.labels)
        if self.groups is not None:
            np.save(folder / "groups.npy", self.groups)
        rows = {split: indices.tolist() for split, indices in self.splits.items()}
        (folder / "splits.json").write_text(json.dumps(rows))
        (folder / "task.json").write_text(json.dumps({"name": self.name}))


def digit_views(data: Path | None = None) -> ViewData:
    """Scikit-learn's 8 x 8 digits in four views: 10 classes, 300 training samples."""
    digits = load_digits()
    images, labels = digits.images, digits.target
    views = {
        "Profile": profiles(images),
        "Zernike": zernike(images, order=8),
        "Fourier": fourier(images, most=4),
        "Gradient": gradients(images, cells=2),
    }
    return _data("digit-views", views, labels, _by_class(labels, {"train": 30, "validation": 30}))


def utd_statistics(data: Path | None) -> ViewData:
    """UTD-MHAD in statistics of three sensors: 27 actions; trained on subjects 1, 3, 5, tested on 2, 4, 6, 8."""
    folder = _folder(data, "utd-statistics") / "UTD-MHAD"
    clips = find_clips(folder, ["Skeleton", "Inertial"])
    skeletons = (
        prepared_skeleton(joints).flatten(2).permute(1, 2, 0) for _, joints in read_all(folder, "Skeleton", clips)
    )
    readings = [array for _, array in read_all(folder, "Inertial", clips)]
    views = {
        "Skeleton": np.stack([over_time(joints.flatten(1).numpy()) for joints in skeletons]),
        "Accelerometer": np.stack([over_time(_with_norm(array[:, :3])) for array in readings]),
        "Gyroscope": np.stack([over_time(_with_norm(array[:, 3:])) for array in readings]),
    }
    subjects = np.array([clip.subject for clip in clips])
    of = {"train": (1, 3, 5), "validation": (7,), "test": (2, 4, 6, 8)}
    splits = {split: np.flatnonzero(np.isin(subjects, own)) for split, own in of.items()}
    return _data("utd-statistics", views, np.array([clip.action - 1 for clip in clips]), splits, subjects)


def spoken_spectra(data: Path | None) -> ViewData:
    """FSDD in four views: which of 10 digits which of 6 people says, 60 classes with 15 training samples each.

    The official test split (recordings 0 to 4); recordings 5 to 9 are for validation, 10 to 24 for training. White
    noise as loud as the recording is added: without it, a logistic regression answers 99 % correctly.
    """
    recordings = find_recordings(_folder(data, "spoken-spectra"))
    random = np.random.default_rng(0)
    each = [spectra(_with_noise(read_recording(recording.path), random), RATE) for recording in recordings]
    views = {name: np.stack([one[name] for one in each]) for name in each[0]}
    speakers = sorted({recording.speaker for recording in recordings})
    labels = np.array([recording.digit * len(speakers) + speakers.index(recording.speaker) for recording in recordings])
    index = np.array([recording.index for recording in recordings])
    of = {"train": (10, 25), "validation": (5, 10), "test": (0, 5)}
    splits = {split: np.flatnonzero((index >= start) & (index < stop)) for split, (start, stop) in of.items()}
    return _data("spoken-spectra", views, labels, splits)


def mnist_views(data: Path | None) -> ViewData:
    """MNIST's test images in six views of 6 to 196 numbers: 10 classes, 2,000 training samples, 7,000 for the test."""
    folder = _folder(data, "mnist-views")
    images, labels = read_images(folder).astype(float), read_labels(folder).astype(int)
    splits = _by_class(labels, {"train": 200, "validation": 100})
    views = {
        "Fourier": fourier(images, most=5),
        "Profile": profiles(images),
        "Principal": principal(images.reshape(len(images), -1), splits["train"], components=64),
        "Zone": zones(images, cells=14),
        "Zernike": zernike(images, order=12),
        "Morphology": morphology(images),
    }
    return _data("mnist-views", views, labels, splits)


VIEWS: dict[str, Callable[[Path | None], ViewData]] = {
    "digit-views": digit_views,
    "utd-statistics": utd_statistics,
    "spoken-spectra": spoken_spectra,
    "mnist-views": mnist_views,
}
"""By name, what makes a data set from the folder of the data."""


def main() -> None:
    """Print a Markdown table of what there is, and one of the baselines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the data sets; without it, those that need none")
    parser.add_argument("--only", nargs="+", choices=list(VIEWS), default=list(VIEWS))
    parser.add_argument("--write", type=Path, help="keep each data set as a folder of arrays in there; score nothing")
    arguments = parser.parse_args()
    names = [name for name in arguments.only if arguments.data or name == "digit-views"]
    made = [VIEWS[name](arguments.data) for name in names]
    print(_table_of_data(made), flush=True)
    if arguments.write:
        for data in made:
            data.write(arguments.write / data.name)
        return
    print("\n| data set | baseline | test accuracy, % | test log-loss | s |\n|---|---|---|---|---|")
    for data in made:
        for name, baseline in FITS.items():
            start = time.perf_counter()
            outputs, _ = baseline(data.views, data.labels, data.splits)
            seconds = time.perf_counter() - start
            answers = data.labels[data.splits["test"]]
            accuracy = 100 * (outputs.argmax(axis=1) == answers).mean()
            loss = -outputs[np.arange(len(answers)), answers].mean()
            print(f"| {data.name} | {name} | {accuracy:.2f} | {loss:.3f} | {seconds:.0f} |", flush=True)
    versions = f"bmnas {bmnas.__version__}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}"
    print(f"\n{versions}, {os.cpu_count()} CPU cores")


def _table_of_data(made: Sequence[ViewData]) -> str:
    lines = ["| data set | views | classes | training, validation, test samples |", "|---|---|---|---|"]
    for data in made:
        views = ", ".join(f"{name} {view.shape[1]}" for name, view in data.views.items())
        sizes = ", ".join(f"{len(data.splits[split]):,}" for split in ("train", "validation", "test"))
        lines.append(f"| {data.name} | {views} | {data.labels.max() + 1} | {sizes} |")
    return "\n".join(lines)


def _data(
    name: str, views: dict[str, Array], labels: Array, splits: dict[str, Array], groups: Array | None = None
) -> ViewData:
    own = None if groups is None else groups.astype(np.int64)
    return ViewData(
        name, {view: values.astype(np.float32) for view, values in views.items()}, labels.astype(np.int64), splits, own
    )


def _by_class(labels: Array, numbers: dict[str, int]) -> dict[str, Array]:
    """So many rows of each class in each split, drawn once and for all; what is left is the test split."""
    random = np.random.default_rng(0)
    rows: dict[str, list[Array]] = {split: [] for split in (*numbers, "test")}
    for label in np.unique(labels):
        own = random.permutation(np.flatnonzero(labels == label))
        parts = np.split(own, np.cumsum(list(numbers.values())))
        for split, part in zip(rows, parts, strict=True):
            rows[split].append(part)
    return {split: np.sort(np.concatenate(parts)) for split, parts in rows.items()}


def _with_noise(sound: Array, random: np.random.Generator) -> Array:
    return sound + sound.std() * random.normal(size=len(sound))


def _with_norm(readings: Array) -> Array:
    return np.column_stack([readings, np.linalg.norm(readings, axis=1)])


def _folder(data: Path | None, name: str) -> Path:
    if data is None:
        raise SystemExit(f"{name} needs --data DIR, the folder of UTD-MHAD, free-spoken-digit-dataset and mnist")
    return data


if __name__ == "__main__":
    main()
