"""Read the ready-made index of the ResNeXt authors, one JSON file instead of the annotations.

``labels`` are the names of the gestures; ``database`` has samples by the folder of the colour frames, with ``_i``
behind it for the second and later ones of a folder: ``subset``, and ``annotations`` with ``label`` (a name),
``start_frame`` and ``end_frame``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.files import read_json
from bmnas.tasks.egogesture.gestures import GESTURES
from bmnas.tasks.egogesture.layout import Recording
from bmnas.tasks.egogesture.samples import Sample, problem_of_frames, split_of

# The published index has some megabytes.
_LIMIT = 2**26
_KEY = re.compile(r"(?:.*/)?subject(\d{1,3})/scene(\d)/color/rgb(\d{1,2})(?:_(\d+))?", re.IGNORECASE)
_NUMBER = re.compile(r"(\d{1,9})(\.0*)?")
_SUBSETS = {"train": "training", "validation": "validation", "test": "testing"}


def find_index(folder: Path) -> Path | None:
    """The index in a data folder or in one of its folders; ``None`` where no JSON file is there.

    Raises:
        BmnasError: there are several.
    """
    files = sorted(path for path in (*folder.glob("*.json"), *folder.glob("*/*.json")) if path.is_file())
    if len(files) > 1:
        names = " and ".join(str(path.relative_to(folder)) for path in files[:3])
        raise BmnasError(f"{folder}: has several JSON files, {names}; --task egogesture:index=FILE names the index")
    return files[0] if files else None


def read_index(path: Path) -> tuple[list[Sample], int]:
    """All samples, sorted by recording and first frame; and how many are in another subset than their subject is.

    Raises:
        BmnasError: the file cannot be read, or is no such index.
    """
    data = read_json(path, _LIMIT)
    database = data.get("database") if isinstance(data, Mapping) else None
    if not isinstance(database, Mapping):
        raise BmnasError(f"{path}: is no index of EgoGesture, which has labels and a database")
    samples, elsewhere = [], 0
    for key, value in database.items():
        place = f"{path.name}, {short(key)}"
        sample = _sample(place, _recording(path, key), value)
        subset = value.get("subset") if isinstance(value, Mapping) else None
        elsewhere += subset != _SUBSETS[split_of(sample.recording, place)]
        samples.append(sample)
    if not samples:
        raise BmnasError(f"{path}: its database is empty")
    samples.sort(key=lambda sample: (sample.recording, sample.first, sample.last, sample.label))
    return samples, elsewhere


def _recording(path: Path, key: str) -> Recording:
    match = _KEY.fullmatch(key)
    if match is None:
        raise BmnasError(f"{path}: the key {short(key)} is no colour folder, such as Subject01/Scene1/Color/rgb1")
    return Recording(*map(int, match.groups()[:3]))


def _sample(place: str, recording: Recording, value: Any) -> Sample:
    annotations = value.get("annotations") if isinstance(value, Mapping) else None
    if not isinstance(annotations, Mapping):
        return Sample(recording, 0, 0, 0, place, "it has no annotations")
    label = annotations.get("label")
    if label not in _LABELS:
        known = did_you_mean(label, GESTURES) if isinstance(label, str) else ""
        return Sample(recording, 0, 0, 0, place, f"the label {short(label)} is no gesture{known}")
    frames = []
    for name in ("start_frame", "end_frame"):
        match = _NUMBER.fullmatch(str(annotations.get(name)).strip())
        if match is None:
            return Sample(recording, 0, 0, 0, place, f"{name} is {short(annotations.get(name))}, no whole number")
        frames.append(int(match[1]))
    first, last = frames
    return Sample(recording, _LABELS[label], first, last, place, problem_of_frames(first, last))


_LABELS = {name: number for number, name in enumerate(GESTURES)}
