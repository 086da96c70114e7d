"""Copies of the miniature that can be spoilt."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bmnas.tasks.egogesture import EgoGestureTask
from bmnas.tasks.egogesture.layout import ANNOTATIONS
from tests.paper_golden import MINIATURE

ORIGINAL = MINIATURE / "egogesture"
# Where the annotations of a subject are in a copy.
TRAIN = "subject03/Scene1/Group1.csv"
VALIDATION = "subject01/Scene2/group1.csv"
TEST = "subject02/Scene1/Group2.csv"


def copy(folder: Path, *, above: str = "images") -> Path:
    """The miniature in a folder; its images are links, and may lie elsewhere than in ``images``."""
    shutil.copytree(ORIGINAL / "images", folder / above, copy_function=os.symlink, dirs_exist_ok=True)
    shutil.copytree(ORIGINAL / ANNOTATIONS, folder / ANNOTATIONS)
    return folder


def annotate(folder: Path, name: str, content: str) -> Path:
    """Write a file of annotations."""
    path = folder / ANNOTATIONS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())
    return path


def rows(folder: Path, split: str = "train") -> list[tuple[int, int, int]]:
    """Label, first and last frame of the samples of a split."""
    return [(sample.label, sample.first, sample.last) for sample in EgoGestureTask(folder).split(split).samples]
