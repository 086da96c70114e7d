"""How fast the paper's tasks read and prepare their samples, on one core.

python benchmarks/loading.py mmimdb [--data DIR] [--samples 2000]
python benchmarks/loading.py ntu [--data DIR] [--samples 20]
python benchmarks/loading.py egogesture [--data DIR] [--samples 20]

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


def ntu(data: Path | None, scratch: Path, samples: int) -> list[Rate]:
    """Videos as they came and as they are prepared, making the latter, skeletons, and whole samples."""
    from bmnas.tasks.ntu import NtuTask
    from bmnas.tasks.ntu.folder import FOLDERS, official_videos
    from bmnas.tasks.ntu.skeleton_file import read_bodies
    from bmnas.tasks.ntu.video_file import read_clip, written_clip

    folder = data or _made_recordings(scratch, samples)
    rates = []
    if (folder / FOLDERS["Video"][0]).is_dir():
        official = official_videos(folder)[:3]
        clips = [read_clip(path) for path in official]
        frames = sum(map(len, clips))
        rates.append(measured("ntu, video as it came, scaled", "frames", frames, lambda: [*map(read_clip, official)]))
        rates.append(measured("ntu, clips that are written", "frames", frames, lambda: [*map(written_clip, clips)]))
    task = NtuTask(folder)
    source = task.split("train")
    chosen = range(min(samples, len(source)))
    videos, skeletons = (
        [source.files[modality][source.recordings[index]] for index in chosen] for modality in task.modalities
    )
    frames = sum(len(read_clip(path)) for path in videos)
    rates.append(measured("ntu, prepared clips decoded", "frames", frames, lambda: [*map(read_clip, videos)]))
    rates.append(measured("ntu, skeleton files read", "files", len(chosen), lambda: [*map(read_bodies, skeletons)]))
    for modalities, unit, count in (("Video", "frames", frames), ("Skeleton", "files", len(chosen))):
        for preprocessing in ("corrected", "released"):
            own = NtuTask(folder, preprocessing=preprocessing).with_modalities([modalities]).split("train")
            what = f"ntu, {modalities} inputs, {preprocessing}"
            rates.append(measured(what, unit, count, lambda own=own: [own[index] for index in chosen]))
    rates.append(measured("ntu, whole samples", "samples", len(chosen), lambda: [source[index] for index in chosen]))
    return rates


def _made_recordings(folder: Path, samples: int) -> Path:
    """Recordings of 103 frames: one video of 1920 x 1080, prepared clips, and skeleton files of one body, 260 KB."""
    from bmnas.tasks.ntu import NtuTask
    from bmnas.tasks.ntu.folder import OFFICIAL_VIDEOS, PREPARED_VIDEOS, SKELETONS
    from bmnas.tasks.ntu.video_file import read_clip, written_clip

    rng, frames = np.random.default_rng(0), 103
    for name in (OFFICIAL_VIDEOS, PREPARED_VIDEOS, SKELETONS):
        (folder / name).mkdir()
    names = [f"S001C001P{performer:03}R001A{action:03}" for performer in (1, 2, 3) for action in range(1, samples + 1)]
    first = folder / OFFICIAL_VIDEOS / f"{names[0]}_rgb.avi"
    first.write_bytes(_made_video(rng, frames))
    clip = written_clip(read_clip(first))
    for name in names:
        (folder / PREPARED_VIDEOS / f"{name}_rgb.avi").write_bytes(clip)
        numbers = rng.normal(size=(frames, 25, 11)) * 3
        lines = [str(frames)]
        for frame in numbers:
            lines += ["1", f"72057594037931101 0 1 1 1 1 0 {0.02764709:.8f} {-0.05745083:.8f} 2", "25"]
            lines += [" ".join(f"{number:.6g}" for number in joint) + " 2" for joint in frame]
        (folder / SKELETONS / f"{name}.skeleton").write_text("\r\n".join(lines) + "\r\n")
    size = (folder / SKELETONS / f"{names[0]}.skeleton").stat().st_size
    print(f"made up: prepared clips of {len(clip):,} bytes, skeleton files of {size:,} bytes")
    assert len(NtuTask(folder).split("train")) == samples
    return folder


def _made_video(rng: np.random.Generator, frames: int) -> bytes:
    """A still picture with some noise and a body-sized patch that moves, H.264 of 2.3 Mb/s."""
    import io

    import av

    room = np.kron(rng.integers(60, 190, (54, 96, 3)), np.ones((20, 20, 1), np.int64))
    noise = rng.integers(0, 24, (1080, 1920, 3))
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1920, 1080, "yuv420p", 2_300_000
        for number in range(frames):
            picture = room + noise
            left = 400 + 8 * number
            picture[300:900, left : left + 200] = np.roll(8 * noise[300:900, :200], 4 * number, 0)
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


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
    "mmimdb": (mmimdb, 2000),
    "ntu": (ntu, 20),
    "egogesture": (egogesture, 20),
}


if __name__ == "__main__":
    main()
