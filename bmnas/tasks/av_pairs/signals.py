"""Written digits (MNIST) and spoken ones (FSDD), clean, each in one of the three splits of a fold.

Nothing is read before it is asked for, and then once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.av_digits.degradation import centred
from bmnas.tasks.av_digits.files import Recording, find_recordings, read_labelled_images, read_labels
from bmnas.tasks.av_digits.spectrograms import spectrograms
from bmnas.tasks.task import SPLITS, SplitName

FOLDS = 10
# Of each digit and speaker FSDD has 50 recordings, so a fold has five.
_INDICES = 5
_SEED = 2022

_Array = np.ndarray[Any, Any]


class Signals:
    """The digits of a data folder, written and spoken; images and recordings are named by their position here.

    Fold f has the recordings of index 5f to 5f + 4 for test, those of fold f + 1 (0 after 9) for validation, and the
    others, higher indices among them, for training; with f = 0 these are the splits of `av-digits`. The images of each
    digit are drawn into ten parts, once, and divided in the same way.

    Raises (each property and method): BmnasError: a file is missing or is not what it should be, or a split is empty.
    """

    def __init__(self, data: Path, fold: int) -> None:
        self._data, self._fold = data, fold

    @cached_property
    def spoken(self) -> _Array:
        """The digits (R,) of the recordings, which are ordered by digit, speaker and index."""
        return np.array([recording.digit for recording in self.recordings])

    @cached_property
    def speakers(self) -> _Array:
        """Of each recording (R,) who speaks, as a place in `names`."""
        return np.array([self.names.index(recording.speaker) for recording in self.recordings])

    @cached_property
    def names(self) -> Sequence[str]:
        """Who speaks, in alphabetical order."""
        return sorted({recording.speaker for recording in self.recordings})

    @cached_property
    def spectrograms(self) -> Tensor:
        """(R, 51, 32): log-mel spectrograms, frames of 20 ms by mel bands."""
        return spectrograms(self.recordings, _clean)

    @cached_property
    def written(self) -> _Array:
        """The digits (M,) of the images, in the order of MNIST's file."""
        return read_labels(self._data)

    @cached_property
    def images(self) -> Tensor:
        """(M, 1, 28, 28) in 0..1."""
        images, _ = read_labelled_images(self._data)
        return torch.from_numpy(images[:, None] / np.float32(255))

    def recordings_of(self, split: SplitName) -> _Array:
        """The positions of a split's recordings, in order."""
        return np.flatnonzero(self._split_of([_part(recording) for recording in self.recordings], split))

    def images_of(self, split: SplitName) -> _Array:
        """The positions of a split's images, in order."""
        return np.flatnonzero(self._split_of(image_parts(self.written), split))

    @cached_property
    def recordings(self) -> Sequence[Recording]:
        """All recordings."""
        recordings = find_recordings(self._data)
        folder = recordings[0].path.parent
        digits = {recording.digit for recording in recordings}
        if len(digits) < 2:
            raise BmnasError(f"{folder}: has recordings of the digit {digits.pop()} alone; there must be two or more")
        parts = [_part(recording) for recording in recordings]
        for split in SPLITS:
            there = {recordings[place].digit for place in np.flatnonzero(self._split_of(parts, split))}
            missing = sorted(digits - there)
            if missing:
                raise BmnasError(
                    f"{folder}: the {split} split of fold {self._fold} has no recording of the digit {missing[0]}; "
                    f"it has those with an index of {self._indices(split)}"
                )
        return recordings

    def _split_of(self, parts: Sequence[int] | _Array, split: SplitName) -> _Array:
        """Which of the parts are in the split."""
        turn = (np.asarray(parts) - self._fold) % FOLDS
        turn[np.asarray(parts) >= FOLDS] = FOLDS - 1  # more recordings than FSDD has: never for test
        return {"test": turn == 0, "validation": turn == 1, "train": turn > 1}[split]

    def _indices(self, split: SplitName) -> str:
        first = _INDICES * ((self._fold + (split == "validation")) % FOLDS)
        which = f"{first} to {first + _INDICES - 1}"
        if split != "train":
            return which
        then = _INDICES * ((self._fold + 1) % FOLDS)
        return f"neither {which} nor {then} to {then + _INDICES - 1}"


def image_parts(digits: _Array) -> _Array:
    """Of each image (M,) the part 0 to 9 that it is in: those of each digit are shared out with a fixed seed.

    Every part has as many images of a digit as any other, or one more.
    """
    # RandomState, because NumPy promises that its stream never changes; a Generator's may.
    random = np.random.RandomState(_SEED)
    parts = np.empty(len(digits), dtype=np.int64)
    for digit in range(10):
        members = random.permutation(np.flatnonzero(digits == digit))
        parts[members] = np.arange(len(members)) % FOLDS
    return parts


def _part(recording: Recording) -> int:
    return recording.index // _INDICES


def _clean(sound: _Array, _name: str) -> _Array:
    return centred(sound)
