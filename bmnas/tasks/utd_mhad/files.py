"""Which clips of UTD-MHAD a folder has, and their arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.tasks.utd_mhad.layout import LAYOUTS, Array, Clip, clip_named, expected, path_of
from bmnas.tasks.utd_mhad.matlab import read_mat, read_mats
from bmnas.tasks.utd_mhad.reduced_depth import REDUCED_DEPTH, reduce_depth, reduced_depth


def find_clips(folder: Path, modalities: Sequence[str]) -> tuple[Clip, ...]:
    """The clips in a folder, sorted; each has all of the modalities.

    Raises:
        BmnasError: a folder is missing, has other files than it should, or a clip lacks one of the modalities.
    """
    try:
        if not folder.is_dir():
            raise BmnasError(f"{folder}: there is no such folder; {expected(modalities)}")
        found = {modality: _clips_of(folder, modality) for modality in modalities}
    except OSError as error:
        raise BmnasError(f"{error.filename or folder}: cannot be read: {reason(error)}") from error
    # Three of the 864 clips do not exist in any modality; one that exists in some must exist in all.
    for clip in sorted(set().union(*found.values())):
        has = [modality for modality in modalities if clip in found[modality]]
        for modality in modalities:
            if modality not in has:
                raise BmnasError(f"{_place(folder, modality, clip)} is missing, but {has[0]} has the clip {clip}")
    return tuple(sorted(found[modalities[0]]))


def read(folder: Path, modality: str, clip: Clip) -> Array:
    """What the official file of a clip holds, as float32 (depth: as `reduce_depth` has it).

    Raises:
        BmnasError: the file cannot be read, or does not hold what it should; the message names it.
    """
    return _as_kept(modality, read_mat(path_of(folder, modality, clip), LAYOUTS[modality]))


def read_all(folder: Path, modality: str, clips: Iterable[Clip]) -> Iterator[tuple[Clip, Array]]:
    """Every clip with what `read` returns, or from the reduced file of depth where there is one.

    Raises:
        BmnasError: a file cannot be read, or does not hold what it should; the message names it.
    """
    reduced = reduced_depth(folder) if modality == "Depth" else None
    if reduced is None:
        wanted = list(clips)
        arrays = read_mats([path_of(folder, modality, clip) for clip in wanted], LAYOUTS[modality])
        yield from ((clip, _as_kept(modality, array)) for clip, array in zip(wanted, arrays, strict=True))
        return
    for clip in clips:
        if not reduced[clip].any():
            raise BmnasError(f"{folder / REDUCED_DEPTH}: {clip} is zero everywhere, so nothing was recorded")
        yield clip, reduced[clip]


def stamp(folder: Path, modality: str) -> Hashable:
    """Something that differs after a file of the modality was changed, from the files' names, sizes and times.

    Raises:
        BmnasError: a file cannot be read.
    """
    files = [folder / REDUCED_DEPTH] if modality == "Depth" and (folder / REDUCED_DEPTH).exists() else []
    try:
        return tuple(
            (path.name, status.st_size, status.st_mtime_ns)
            for path in files or sorted((folder / modality).glob("*.mat"))
            for status in [path.stat()]
        )
    except OSError as error:  # such as a link to what is not there
        raise BmnasError(f"{error.filename}: cannot be read: {reason(error)}") from error


def _as_kept(modality: str, array: Array) -> Array:
    return reduce_depth(array) if modality == "Depth" else array.astype(np.float32)


def _clips_of(folder: Path, modality: str) -> set[Clip]:
    if modality == "Depth" and (reduced := reduced_depth(folder)) is not None:
        return set(reduced)
    inside = folder / modality
    if not inside.is_dir():
        raise BmnasError(f"{inside}: there is no such folder; {expected([modality])}; --modalities names those to use")
    names = sorted(path.name for path in inside.glob("*.mat") if not path.name.startswith("."))
    if not names:
        raise BmnasError(f"{inside}: has no .mat files; {expected([modality])}")
    return {clip_named(inside / name, modality) for name in names}


def _place(folder: Path, modality: str, clip: Clip) -> str:
    reduced = folder / REDUCED_DEPTH
    if modality == "Depth" and reduced.exists():
        return f"{reduced}: {clip}"
    return f"{path_of(folder, modality, clip)}:"
