"""Read ``labels-final-revised1/subjectSS/SceneN/GroupG.csv``, without a header: class from 1, first and last frame.

A row without frames is no sample. Numbers may be written as ``12.0``, and files may be called ``groupG.csv``.
"""

from __future__ import annotations

import re
from pathlib import Path

from bmnas.errors import BmnasError, short
from bmnas.files import read_text
from bmnas.tasks.egogesture.gestures import GESTURES
from bmnas.tasks.egogesture.layout import ANNOTATIONS, EXPECTED, Recording
from bmnas.tasks.egogesture.samples import Sample, problem_of_frames

_LIMIT = 2**20
_NAME = re.compile(r"subject(\d{1,3})/scene(\d)/group(\d{1,2})\.csv", re.IGNORECASE)
_NUMBER = re.compile(r"(\d{1,9})(\.0*)?")
_COLUMNS = ("class", "first frame", "last frame")


def read_annotations(folder: Path) -> list[Sample]:
    """All samples of the data set's folder, sorted by recording, those of a recording in the order of its file.

    Raises:
        BmnasError: there are no annotations, a file is named otherwise or cannot be read, or two are of one recording.
    """
    root = folder / ANNOTATIONS
    files: dict[Recording, Path] = {}
    for path in sorted(root.rglob("*.csv")):
        if path.name.startswith("."):
            continue
        recording = _recording(root, path)
        if recording in files:
            raise BmnasError(f"{files[recording]} and {path} are both of one recording; remove one of them")
        files[recording] = path
    if not files:
        raise BmnasError(f"{root}: has no annotations; {EXPECTED}")
    return [sample for recording in sorted(files) for sample in _read(root, files[recording], recording)]


def _recording(root: Path, path: Path) -> Recording:
    name = path.relative_to(root).as_posix()
    match = _NAME.fullmatch(name)
    if match is None:
        raise BmnasError(f"{path}: annotations are subjectSS/SceneN/GroupG.csv, such as subject01/Scene1/Group1.csv")
    return Recording(*map(int, match.groups()))


def _read(root: Path, path: Path, recording: Recording) -> list[Sample]:
    samples = []
    for number, line in enumerate(read_text(path, _LIMIT).splitlines(), 1):
        cells = [cell.strip() for cell in line.split(",")]
        if any(cells) and any(cells[1:]):
            samples.append(_sample(f"{path.relative_to(root.parent)}, line {number}", cells, recording))
        elif cells[0] and len(cells) < 2:
            samples.append(_refused(f"{path.relative_to(root.parent)}, line {number}", recording, _few(cells)))
    return samples


def _sample(place: str, cells: list[str], recording: Recording) -> Sample:
    while len(cells) > len(_COLUMNS) and not cells[-1]:
        cells.pop()
    if len(cells) != len(_COLUMNS):
        return _refused(place, recording, _few(cells))
    numbers = []
    for name, cell in zip(_COLUMNS, cells, strict=True):
        match = _NUMBER.fullmatch(cell)
        if match is None:
            return _refused(place, recording, f"the {name} is {short(cell)}, which is no whole number")
        numbers.append(int(match[1]))
    gesture, first, last = numbers
    if not 1 <= gesture <= len(GESTURES):
        return _refused(place, recording, f"the class is {gesture}, but there are classes 1 to {len(GESTURES)}")
    return Sample(recording, gesture - 1, first, last, place, problem_of_frames(first, last))


def _few(cells: list[str]) -> str:
    values = "1 value" if len(cells) == 1 else f"{len(cells)} values"
    return f"a row has three values, {', '.join(_COLUMNS)}, but this has {values}"


def _refused(place: str, recording: Recording, wrong: str) -> Sample:
    return Sample(recording, 0, 0, 0, place, wrong)
