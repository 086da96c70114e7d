"""How fast the paper's tasks read and prepare their samples, on one core.

python benchmarks/loading.py egogesture [--data DIR] [--samples 20]

Without --data the files are made up, as large as the real ones, in a temporary folder, and are warm. Times are CPU
seconds of this one process, of the fastest of five rounds.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

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


def egogesture(data: Path | None, scratch: Path, samples: int) -> list[Rate]:
    """Clips of 32 frames, plain and augmented, in each modality, and what decoding alone takes."""
    from bmnas.tasks.egogesture import EgoGestureTask

    folder = data or _made_gestures(scratch, samples)
    task = EgoGestureTask(folder)
    rates = []
    for modalities in (["RGB"], ["Depth"], ["RGB", "Depth"]):
        for name, view in (("the middle", 0), ("drawn cuts", 1)):
            source = task.with_modalities(modalities).view("train", view)
            chosen = range(min(samples, len(source)))
            files = len(modalities) * sum(min(32, len(source.samples[index])) for index in chosen)
            what = f"egogesture, {' and '.join(modalities)}, {name}"
            rates.append(measured(what, "JPEG", files, lambda s=source, c=chosen: [s[index] for index in c]))
    rates += _decoded(task, samples)
    return rates


def _decoded(task, samples: int) -> list[Rate]:
    """Pillow alone, with the decoder's own halving (``draft``), which would change the pixels, and without."""
    from PIL import Image

    source = task.view("train", 0)
    files = [
        sample.recording.frame(source.images, "RGB", number)
        for sample in source.samples[:samples]
        for number in range(sample.first, min(sample.last, sample.first + 31) + 1)
    ]

    def decode(halved: bool) -> None:
        for file in files:
            with Image.open(file) as image:
                if halved:
                    image.draft("RGB", (149, 112))
                image.load()

    return [
        measured(f"Pillow decodes RGB {how}", "JPEG", len(files), lambda halved=halved: decode(halved))
        for how, halved in (("whole", False), ("with draft", True))
    ]


def _made_gestures(folder: Path, samples: int) -> Path:
    """As many recordings of one sample each, 36 frames of 320 x 240, and one of validation and test each."""
    subjects = [(3, number) for number in range(samples)] + [(1, 0), (2, 0)]
    for subject, number in subjects:
        scene, group = 1 + number // 9, 1 + number % 9
        path = folder / f"labels-final-revised1/subject{subject:02d}/Scene{scene}/Group{group}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1,1,36\n")
        for inside, channels in ((f"Color/rgb{group}", 3), (f"Depth/depth{group}", 1)):
            _made_frames(folder / f"images/Subject{subject:02d}/Scene{scene}/{inside}", channels, seed=number)
    return folder


def _made_frames(folder: Path, channels: int, seed: int) -> None:
    """Frames with as much detail as a camera sees: some 16 KB each for RGB."""
    from PIL import Image

    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (12, 16, channels), dtype=np.uint8)
    smooth = np.stack([np.asarray(Image.fromarray(coarse[..., c]).resize((320, 240))) for c in range(channels)], axis=2)
    for number in range(1, 37):
        noisy = smooth + random.normal(0, 6 if channels == 3 else 2, smooth.shape)
        pixels = np.roll(noisy.clip(0, 255).astype(np.uint8), number, axis=1)
        Image.fromarray(pixels.squeeze()).save(folder / f"{number:06d}.jpg", quality=85)


# By data set: what measures it, and how many samples of it are read, unless the command says otherwise.
MEASURES: dict[str, tuple[Callable[[Path | None, Path, int], list[Rate]], int]] = {
    "egogesture": (egogesture, 20),
}


if __name__ == "__main__":
    main()
