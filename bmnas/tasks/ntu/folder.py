"""Which recordings a folder has, with their files: paired by name, whatever is missing.

``nturgb+d_skeletons/NAME.skeleton``, ``nturgb+d_rgb/NAME_rgb.avi`` as they come, and
``nturgb+d_rgb_256x256_30/NAME_rgb.avi`` as they are prepared, which is read where a video is in both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.tasks.known_folders import looks_like
from bmnas.tasks.ntu.recording import Recording, recording_named

OFFICIAL_VIDEOS, PREPARED_VIDEOS, SKELETONS = "nturgb+d_rgb", "nturgb+d_rgb_256x256_30", "nturgb+d_skeletons"
# By modality: its folders, of which a later one goes first where both have a recording; and how names end.
FOLDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"Video": (OFFICIAL_VIDEOS, PREPARED_VIDEOS), "Skeleton": (SKELETONS,)}
)
SUFFIXES: Mapping[str, str] = MappingProxyType({"Video": "_rgb.avi", "Skeleton": ".skeleton"})
HOW_TO_GET = (
    f"the folder of NTU RGB+D holds {SKELETONS}/SsssCcccPpppRrrrAaaa.skeleton and "
    f"{OFFICIAL_VIDEOS}/SsssCcccPpppRrrrAaaa_rgb.avi, or {PREPARED_VIDEOS} in place of the latter; "
    "the data set is at https://rose1.ntu.edu.sg/dataset/actionRecognition/"
)


@dataclass(frozen=True)
class Folder:
    """A folder of NTU RGB+D; its listings are read once.

    Attributes:
        path: which.
        modalities: whose files are looked for.
    """

    path: Path
    modalities: tuple[str, ...]

    @cached_property
    def files(self) -> Mapping[str, Mapping[Recording, Path]]:
        """By modality, the file of each recording.

        Raises:
            BmnasError: a folder is missing or cannot be read, or a file is named as no recording is.
        """
        return {modality: self._files_of(modality) for modality in self.modalities}

    @cached_property
    def recordings(self) -> Sequence[Recording]:
        """Those that have a file of each modality, in the order of their names.

        Raises:
            BmnasError: as `files`.
        """
        return sorted(set.intersection(*(set(own) for own in self.files.values())))

    def lacking(self) -> Mapping[str, int]:
        """By modality, how many recordings that have another one lack it.

        Raises:
            BmnasError: as `files`.
        """
        known = set().union(*self.files.values())
        return {modality: len(known) - len(own) for modality, own in self.files.items()}

    def unprepared(self) -> int:
        """How many videos would be read as they come, though others are prepared.

        Raises:
            BmnasError: as `files`.
        """
        folders = [path.parent.name for path in self.files.get("Video", {}).values()]
        return folders.count(OFFICIAL_VIDEOS) if PREPARED_VIDEOS in folders else 0

    def _files_of(self, modality: str) -> Mapping[Recording, Path]:
        folders = [self.path / name for name in FOLDERS[modality]]
        there = [folder for folder in folders if folder.is_dir()]
        if not there:
            raise BmnasError(f"{self.path}: has no folder {' or '.join(FOLDERS[modality])}{self._hint(modality)}")
        found: dict[Recording, Path] = {}
        for folder in there:
            found.update(_recordings(folder, SUFFIXES[modality]))
        if not found:
            raise BmnasError(f"{there[-1]}: has no file ...{SUFFIXES[modality]}; {HOW_TO_GET}")
        return found

    def _hint(self, modality: str) -> str:
        if self.path.name in (name for names in FOLDERS.values() for name in names):
            return "; name the folder that it is in"
        others = [name for other in FOLDERS for name in FOLDERS[other] if (self.path / name).is_dir()]
        if others:
            return f", but has {others[0]}; --modalities names those to use"
        other = looks_like(self.path)
        return (f"; it looks like {other}" if other else "") + f"; {HOW_TO_GET}"


def official_videos(folder: Path) -> Sequence[Path]:
    """The videos as they come, in the order of their names.

    Raises:
        BmnasError: there are none, or one is named as no recording is.
    """
    inside = folder / OFFICIAL_VIDEOS
    if not inside.is_dir():
        other = looks_like(folder)
        prepared = f", but {PREPARED_VIDEOS}, which is read as it is" if (folder / PREPARED_VIDEOS).is_dir() else ""
        seen = f"; it looks like {other}" if other and not other.startswith("NTU") else ""
        raise BmnasError(f"{folder}: has no folder {OFFICIAL_VIDEOS}{prepared}{seen}; {HOW_TO_GET}")
    videos = sorted(path for _, path in _recordings(inside, SUFFIXES["Video"]))
    if not videos:
        raise BmnasError(f"{inside}: has no file ...{SUFFIXES['Video']}; {HOW_TO_GET}")
    return videos


def _recordings(folder: Path, suffix: str) -> Iterator[tuple[Recording, Path]]:
    """The files with that end in a folder; hidden ones, as other systems leave them, are none."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(suffix) and not entry.name.startswith("."):
                    try:
                        yield recording_named(entry.name.removesuffix(suffix)), Path(entry.path)
                    except BmnasError as error:
                        raise BmnasError(f"{entry.path}: {error}") from None
    except OSError as error:
        raise BmnasError(f"{error.filename or folder}: cannot be read: {reason(error)}") from error
