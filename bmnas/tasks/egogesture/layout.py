"""How EgoGesture lays out its files, and where they are in a user's folder.

Images are ``images/SubjectSS/SceneN/Color/rgbG/NNNNNN.jpg`` and ``images/SubjectSS/SceneN/Depth/depthG/NNNNNN.jpg``, or
the same without ``images`` above: 320 x 240 pixels, numbered from 000001; depth is grey with 8 bits. Annotations are
``labels-final-revised1/subjectSS/SceneN/GroupG.csv`` (see `annotations`), or one ready-made index (see `index`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bmnas.errors import BmnasError
from bmnas.tasks.egogesture.gestures import ADDRESS
from bmnas.tasks.known_folders import looks_like

ANNOTATIONS = "labels-final-revised1"
EXPECTED = (
    "expected is a folder with images/SubjectSS/SceneN/Color/rgbG/NNNNNN.jpg and .../Depth/depthG/NNNNNN.jpg, and with "
    f"{ANNOTATIONS}/subjectSS/SceneN/GroupG.csv or a ready-made index (JSON); the data set EgoGesture is at {ADDRESS}"
)

# By modality, the folder of its recordings in that of a scene, and what their own folders' names begin with.
_FOLDERS: Mapping[str, tuple[str, str]] = MappingProxyType({"RGB": ("Color", "rgb"), "Depth": ("Depth", "depth")})
_SUBJECT = re.compile(r"Subject\d\d")


class Recording(NamedTuple):
    """A video with several gestures; a group, as EgoGesture calls it."""

    subject: int
    scene: int
    group: int

    def folder(self, modality: str) -> str:
        """Its folder of one modality, in the folder of the images."""
        inside, name = _FOLDERS[modality]
        return f"Subject{self.subject:02d}/Scene{self.scene}/{inside}/{name}{self.group}"

    def frame(self, images: Path, modality: str, number: int) -> str:
        """The path of one frame, which are numbered from 1. It is text, because paths of thousands take seconds."""
        return f"{images}/{self.folder(modality)}/{number:06d}.jpg"


def find_images(folder: Path) -> Path:
    """The folder that has the folders of the subjects.

    Raises:
        BmnasError: there is none.
    """
    for inside in (folder / "images", folder):
        if inside.is_dir() and any(_SUBJECT.fullmatch(path.name) for path in inside.iterdir()):
            return inside
    if (folder / ANNOTATIONS).is_dir():
        raise BmnasError(
            f"{folder}: has annotations, but no images: neither images/SubjectSS nor SubjectSS; unpack them there, "
            "so that images/Subject01/Scene1/Color/rgb1/000001.jpg is one"
        )
    raise unlike(folder)


def unlike(folder: Path) -> BmnasError:
    """What to say of a folder that does not hold the data set."""
    other = looks_like(folder)
    if other and not _is_part(folder):
        return BmnasError(f"{folder}: looks like {other}, not like EgoGesture; {EXPECTED}")
    return _part(folder) if _is_part(folder) else BmnasError(f"{folder}: does not hold EgoGesture; {EXPECTED}")


def unannotated(folder: Path) -> BmnasError:
    """What to say of a folder that has images alone."""
    if _is_part(folder):
        return _part(folder)
    return BmnasError(
        f"{folder}: has images, but neither {ANNOTATIONS}/subjectSS/SceneN/GroupG.csv nor a ready-made index, which is "
        "one JSON file; --task egogesture:index=FILE names an index that is elsewhere"
    )


def _is_part(folder: Path) -> bool:
    return (folder.parent / ANNOTATIONS).is_dir()


def _part(folder: Path) -> BmnasError:
    return BmnasError(f"{folder}: is a part of EgoGesture; --data {folder.parent} is the whole")
