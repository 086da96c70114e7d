"""Which images and recordings a sample is made of, and what is asked about them.

Everything is drawn with a fixed seed, balanced as far as the numbers allow: given one digit alone, every answer to a
question about two digits is equally likely.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmnas.errors import BmnasError
from bmnas.tasks.av_pairs.signals import Signals
from bmnas.tasks.task import SPLITS, SplitName

# How many samples a recording is in, by split; the splits have 40, 5 and 5 recordings of each digit and speaker.
REPEATS: dict[SplitName, int] = {"train": 2, "validation": 4, "test": 10}
TRIPLE_REPEATS: dict[SplitName, int] = {"train": 4, "validation": 4, "test": 10}

_SEED = 2022

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples of a split, N of them, by the positions of their signals.

    Attributes:
        image: (N,) of images.
        recordings: by modality, (N,) of recordings.
        labels: (N,).
    """

    image: _Array
    recordings: dict[str, _Array]
    labels: _Array


def sums(signals: Signals, split: SplitName, fold: int) -> Samples:
    """Pairs of any two digits, labelled with the last digit of their sum.

    Every digit that is spoken meets every digit equally often; the images of one recording have different digits.
    """
    random, digits = _random(split, fold), np.unique(signals.spoken)
    repeats, chosen = REPEATS[split], signals.recordings_of(split)
    places = np.empty((len(chosen), repeats), dtype=np.int64)
    for members in _by_digit(signals.spoken[chosen]):
        start = random.permutation(np.arange(len(members)) % len(digits))
        places[members] = (start[:, None] + _spread(repeats, len(digits))) % len(digits)
    written, recording = digits[places].ravel(), chosen.repeat(repeats)
    labels = (written + signals.spoken[recording]) % 10
    return Samples(_images(signals, split, written, random), {"Audio": recording}, labels)


def sames(signals: Signals, split: SplitName, fold: int) -> Samples:
    """Pairs, half of them of the same digit (label 1) and half of two digits (label 0), for every recording."""
    random, digits = _random(split, fold), np.unique(signals.spoken)
    half, chosen = REPEATS[split] // 2, signals.recordings_of(split)
    steps = np.zeros((len(chosen), 2 * half), dtype=np.int64)
    for members in _by_digit(signals.spoken[chosen]):
        start = random.permutation(np.arange(len(members)) % (len(digits) - 1))
        steps[members, half:] = 1 + (start[:, None] + _spread(half, len(digits) - 1)) % (len(digits) - 1)
    own = np.searchsorted(digits, signals.spoken[chosen])
    written, recording = digits[(own[:, None] + steps) % len(digits)].ravel(), chosen.repeat(2 * half)
    labels = (steps.ravel() == 0).astype(np.int64)
    return Samples(_images(signals, split, written, random), {"Audio": recording}, labels)


def triples(signals: Signals, split: SplitName, fold: int) -> Samples:
    """Two recordings, of other digits by other speakers, and an image of the digit of one; the label is who says it.

    Every recording is ``First`` equally often, and the image shows its digit as often as that of the other one.
    """
    random, repeats, chosen = _random(split, fold), TRIPLE_REPEATS[split], signals.recordings_of(split)
    spoken, speakers = signals.spoken, signals.speakers
    first = chosen.repeat(repeats)
    second = np.empty((len(chosen), repeats), dtype=np.int64)
    for place, recording in enumerate(chosen):
        others = chosen[(spoken[chosen] != spoken[recording]) & (speakers[chosen] != speakers[recording])]
        if not len(others):
            where = signals.recordings[recording].path
            raise BmnasError(
                f"{where}: the {split} split has no recording of another digit by another speaker to set beside it"
            )
        second[place] = others[random.randint(len(others), size=repeats)]
    asked = np.where(np.arange(len(first)) % 2 == 0, first, second.ravel())
    image = _images(signals, split, spoken[asked], random)
    return Samples(image, {"First": first, "Second": second.ravel()}, speakers[asked])


def _random(split: SplitName, fold: int) -> np.random.RandomState:
    # RandomState, because NumPy promises that its stream never changes; a Generator's may.
    return np.random.RandomState([_SEED, fold, SPLITS.index(split)])


def _by_digit(digits: _Array) -> Iterator[_Array]:
    """For each digit the places where it is."""
    return (np.flatnonzero(digits == digit) for digit in np.unique(digits))


def _spread(count: int, over: int) -> _Array:
    """So many whole numbers, evenly spread from 0 to below ``over``."""
    return np.arange(count) * over // count


def _images(signals: Signals, split: SplitName, digits: _Array, random: np.random.RandomState) -> _Array:
    """An image of the split for each digit (N,); one is taken again only when all of its digit have been.

    Raises:
        BmnasError: there is none of a digit.
    """
    there, images = signals.images_of(split), np.empty(len(digits), dtype=np.int64)
    for members in _by_digit(digits):
        digit = digits[members[0]]
        candidates = random.permutation(there[signals.written[there] == digit])
        if not len(candidates):
            raise BmnasError(f"MNIST's files have no image of the digit {digit} for the {split} split")
        images[random.permutation(members)] = np.resize(candidates, len(members))
    return images
