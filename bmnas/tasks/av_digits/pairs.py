"""Pairs of a spoken and a written digit: which image goes with which recording, and which split a pair is in.

Nothing is read before it is asked for, and then once.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.av_digits.degradation import degrade_image, degrade_sound
from bmnas.tasks.av_digits.files import Recording, find_recordings, read_labelled_images
from bmnas.tasks.av_digits.spectrograms import spectrograms
from bmnas.tasks.task import SPLITS, SplitName

# By split, the indices of FSDD's recordings, as (first, one past the last). FSDD's official split has 0-4 for test and
# 5-49 for training; of those the first five are validation here, which has each digit of each speaker as often as test.
INDICES: dict[SplitName, tuple[int, int | None]] = {"train": (10, None), "validation": (5, 10), "test": (0, 5)}

_PAIRING_SEED = 2022

_Array = np.ndarray[Any, Any]


class Pairs:
    """The pairs of a data folder, ordered by digit, speaker and index of the recording.

    Raises (each property): BmnasError: a file is missing or is not what it should be, or the files do not make pairs.
    """

    def __init__(self, data: Path) -> None:
        self._data = data

    @cached_property
    def labels(self) -> Tensor:
        """The digits (N,) that are spoken and written."""
        return torch.tensor([recording.digit for recording in self._recordings])

    @cached_property
    def images(self) -> Tensor:
        """(N, 1, 28, 28): degraded images."""
        clean, labels = read_labelled_images(self._data)
        positions = paired_positions(self.labels.numpy(), labels, str(self._data))
        images = [degrade_image(clean[position], int(position)) for position in positions]
        return torch.from_numpy(np.stack(images)[:, None])

    @cached_property
    def spectrograms(self) -> Tensor:
        """(N, 51, 32): log-mel spectrograms of degraded sounds, frames of 20 ms by mel bands."""
        return spectrograms(self._recordings, degrade_sound)

    def members(self, split: SplitName) -> Tensor:
        """The positions of a split's pairs."""
        return torch.tensor([i for i, recording in enumerate(self._recordings) if _split_of(recording) == split])

    @cached_property
    def _recordings(self) -> list[Recording]:
        recordings = find_recordings(self._data)
        folder = recordings[0].path.parent
        digits = {recording.digit for recording in recordings}
        if len(digits) < 2:
            raise BmnasError(f"{folder}: has recordings of the digit {digits.pop()} alone; there must be two or more")
        found = {_split_of(recording) for recording in recordings}
        for split in SPLITS:
            if split not in found:
                first, stop = INDICES[split]
                which = f"{first} to {stop - 1}" if stop is not None else f"{first} or more"
                raise BmnasError(f"{folder}: has no recording with an index of {which}, so the {split} split is empty")
        return recordings


def paired_positions(digits: _Array, image_labels: _Array, where: str) -> _Array:
    """For each recording the position of an image of its digit, drawn with a fixed seed; no image is drawn twice.

    Args:
        digits: (N,) of the recordings.
        image_labels: (M,) of the images.
        where: named in the error.
    Raises:
        BmnasError: a digit has more recordings than images.
    """
    random = np.random.RandomState(_PAIRING_SEED)
    positions = np.empty(len(digits), dtype=np.int64)
    for digit in range(10):
        members = np.flatnonzero(digits == digit)
        images = random.permutation(np.flatnonzero(image_labels == digit))
        if len(images) < len(members):
            raise BmnasError(
                f"{where}: the digit {digit} has {len(members)} recordings but only {len(images)} images; "
                "each recording needs an image of its own"
            )
        positions[members] = images[: len(members)]
    return positions


def _split_of(recording: Recording) -> SplitName:
    for split, (first, stop) in INDICES.items():
        if recording.index >= first and (stop is None or recording.index < stop):
            return split
    raise AssertionError(recording)  # the indices of the three splits leave no gap
