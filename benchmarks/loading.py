"""How fast the paper's tasks read and prepare their samples, on one core.

python benchmarks/loading.py mmimdb [--data DIR] [--samples 2000]

Without --data the files are made up, as large as the real ones, in a temporary folder, and are warm. Times are CPU
seconds of this one process, of the fastest of five rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL
import torch

import bmnas

ROUNDS = 5


class Rate(NamedTuple):
    """What was read, how many of it, and the CPU seconds that took."""

    what: str
    unit: str
    count: int
    seconds: float

    def __str__(self) -> str:
        rate = self.count / self.seconds
        return f"{self.what}: {self.count:,} {self.unit} in {self.seconds:.2f} CPU seconds, {rate:,.0f} {self.unit}/s"


def main() -> None:
    """Print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, (measure, samples) in MEASURES.items():
        command = commands.add_parser(name)
        command.add_argument("--data", type=Path, help="folder of the data set")
        command.add_argument("--samples", type=int, default=samples)
        command.set_defaults(measure=measure)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    versions = f"torch {torch.__version__}, NumPy {np.__version__}, Pillow {PIL.__version__}"
    print(f"bmnas {bmnas.__version__}, {versions}, Python {platform.python_version()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for rate in arguments.measure(arguments.data, Path(folder), arguments.samples):
            print(rate, flush=True)


def measured(what: str, unit: str, count: int, call: Callable[[], object]) -> Rate:
    """The fastest of some calls, because what else a machine does only slows them; the first one warms the files."""
    seconds = []
    for _ in range(ROUNDS + 1):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return Rate(what, unit, count, min(seconds[1:]))


def mmimdb(data: Path | None, scratch: Path, samples: int) -> list[Rate]:
    """Posters and texts, from the official file, from files laid out otherwise, and from a prepared folder."""
    from bmnas.tasks.loading import load
    from bmnas.tasks.mmimdb import MmimdbTask

    if data:
        folders = {"the folder": data}
    else:
        # h5py writes one piece if nothing is said of chunks, and so is the official file.
        folders = {
            "one piece": _made_movies(scratch / "whole", samples, None),
            "pieces of a poster": _made_movies(scratch / "posters", samples, (1, 3, 256, 160)),
            "chunks=True": _made_movies(scratch / "chosen", samples // 10, True),
            "prepared": _made_prepared(scratch / "prepared", samples // 2),
        }
    rates = []
    for what, folder in folders.items():
        for how in ("released", "corrected"):
            task = MmimdbTask(folder, preprocessing=how)
            source = task.split("train")
            chosen = range(min(samples, len(source)))
            title = f"mmimdb, {what}, {how}"
            rates.append(measured(title, "posters", len(chosen), lambda s=source, c=chosen: [len(s[i]) for i in c]))
    size = task.extraction_batch
    title = f"mmimdb, {what}, corrected, batches of {size} put together"
    rates.append(measured(title, "posters", len(source), lambda: [b.stop for b in load(source, size, workers=0)]))
    return rates


def _made_movies(folder: Path, movies: int, chunks: Any) -> Path:
    """A file of so many movies, of which a split file takes the rows in another order."""
    import h5py

    folder.mkdir()
    random, ids = np.random.default_rng(0), [f"{number:07d}" for number in range(movies)]
    with h5py.File(folder / "multimodal_imdb.hdf5", "w") as file:
        posters = file.create_dataset("images", (movies, 3, 256, 160), np.int32, chunks=chunks)
        for start in range(0, movies, 100):
            posters[start : start + 100] = _made_posters(random, min(100, movies - start))
        file["features"] = random.standard_normal((movies, 300), np.float32)
        file["genres"] = (random.random((movies, 23)) < 0.1).astype(np.int32)
        file["imdb_ids"] = np.array([own.encode() for own in ids])
    random.shuffle(ids)
    (folder / "split.json").write_text(json.dumps({"train": ids[2:], "dev": ids[:1], "test": ids[1:2]}))
    return folder


def _made_prepared(folder: Path, movies: int) -> Path:
    random = np.random.default_rng(0)
    for name, size in {"train": movies, "dev": 1, "test": 1}.items():
        (folder / name).mkdir(parents=True)
        for number in range(size):
            np.save(folder / name / f"image_{number:06d}.npy", _made_posters(random, 1)[0])
            np.save(folder / name / f"text_{number:06d}.npy", random.standard_normal(300, np.float32))
            np.save(folder / name / f"label_{number:06d}.npy", np.zeros(23, np.int32))
    return folder


def _made_posters(random: np.random.Generator, count: int) -> np.ndarray:
    return random.integers(-123, 152, (count, 3, 256, 160), np.int32)


# By data set: what measures it, and how many samples of it are read, unless the command says otherwise.
MEASURES: dict[str, tuple[Callable[[Path | None, Path, int], list[Rate]], int]] = {
    "mmimdb": (mmimdb, 2000),
}


if __name__ == "__main__":
    main()
