"""How fast the paper's tasks read and prepare their samples, on one core.

python benchmarks/loading.py ntu [--data DIR] [--samples 20]

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


MEASURES = {"ntu": (ntu, 20)}


if __name__ == "__main__":
    main()
