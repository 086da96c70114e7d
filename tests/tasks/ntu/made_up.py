"""Skeleton files and videos that are made for a test, and folders of them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.paper_golden import MINIATURE

SMALL = MINIATURE / "ntu"
# By frame, each body's id and the place of its middle of the spine; all its joints are there, but the first one, which
# is a metre further along x.
Frames = Sequence[Sequence[tuple[int, tuple[float, float, float]]]]


def skeleton_text(frames: Frames, end: str = "\n") -> str:
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for identity, (x, y, z) in bodies:
            lines += [f"{identity} 0 1 1 1 1 0 0.1 -0.2 2", "25"]
            lines += [f"{x + (joint == 0)} {y} {z} 1 2 3 4 0.5 0.5 0.5 0.5 2" for joint in range(25)]
    return end.join(lines) + end


def video(frames: int, width: int = 64, height: int = 48, codec: str = "mpeg4") -> bytes:
    """An AVI file whose frames become brighter, from 0 on by 5."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height = width, height
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 5 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def copied(folder: Path) -> Path:
    """The miniature, to be changed."""
    shutil.copytree(SMALL, folder / "ntu", copy_function=shutil.copyfile)
    return folder / "ntu"
