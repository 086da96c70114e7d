"""Whether the frames of a sample are there, as far as their first and their last one tell, and a stamp of these."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from bmnas.tasks.egogesture.samples import Sample

_FRAME = re.compile(r"(\d{6})\.jpg")


def problem_of_files(images: Path, modalities: Sequence[str], sample: Sample) -> str:
    """What is missing of a sample, the end of a sentence; empty where nothing seems to be.

    Args:
        images: the folder that has the folders of the subjects.
        modalities: which are wanted.
        sample: without anything wrong.
    """
    for modality in modalities:
        for number in (sample.first, sample.last):
            path = sample.recording.frame(images, modality, number)
            if not os.path.exists(path):  # noqa: PTH110 - a Path takes longer to be made than to be looked for
                return _missing(images / sample.recording.folder(modality), path, sample)
    return ""


def stamp(images: Path, modality: str, sample: Sample) -> str:
    """Sizes and times of the first and the last frame, which differ where others were put in their place."""
    parts = []
    for number in (sample.first, sample.last):
        try:
            status = os.stat(sample.recording.frame(images, modality, number))  # noqa: PTH116 - as above
            parts.append(f"{status.st_size} {status.st_mtime_ns}")
        except OSError:
            parts.append("missing")
    return ", ".join(parts)


def _missing(folder: Path, path: str, sample: Sample) -> str:
    if not folder.is_dir():
        return f"{folder}: there is no such folder"
    numbers = [int(match[1]) for name in folder.iterdir() if (match := _FRAME.fullmatch(name.name))]
    if not numbers:
        return f"{folder}: has no frames, such as 000001.jpg"
    if sample.last > max(numbers):
        return f"{folder}: ends with frame {max(numbers)}, but the sample has frames {sample.first} to {sample.last}"
    return f"{path}: is missing"
