"""Scenes of things: what they are, where they are, and how they look as regions of an image.

A region's feature says colour and shape and nothing else; place and size are in its box alone. Axes: N scenes, S things
(8 at most; behind the last one of a scene comes nothing), K kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.tasks.sequences import RegionTable

Array = np.ndarray[Any, Any]

COLOURS = ("red", "green", "blue", "yellow")
SHAPES = ("ball", "cube", "cone", "star")
KINDS = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
FEWEST, MOST = 4, 8
SIDE = 640.0
CHANNELS = 16
# Close calls are not asked: what is nearest is so by this factor, and widths differ by the other at least.
NEARER = 1.4
WIDER = 1.25
WIDTHS = 64.0 / WIDER ** np.arange(MOST)
_NOISE = 0.15


@dataclass(frozen=True, eq=False)
class Scenes:
    """Some scenes.

    Attributes:
        count: (N,) of the things.
        kind: (N, S) places in `KINDS`; -1 behind the last thing.
        centre: (N, S, 2) in pixels.
        width: (N, S) in pixels; things are as high as wide.
    """

    count: Array
    kind: Array
    centre: Array
    width: Array

    def __len__(self) -> int:
        return len(self.count)

    @property
    def there(self) -> Array:
        """(N, S), where things are."""
        return things_there(self.count)

    @property
    def boxes(self) -> Array:
        """(N, S, 4)."""
        half = self.width[..., None] / 2
        return np.concatenate([self.centre - half, self.centre + half], axis=-1)

    def shuffled(self, random: np.random.RandomState) -> tuple[Scenes, Array]:
        """The same scenes with their things in any order; and where each thing has gone, (N, S)."""
        order = np.argsort(np.where(self.there, random.random_sample(self.kind.shape), 2.0), axis=1)
        gone = np.argsort(order, axis=1)
        rows = np.arange(len(self))[:, None]
        return Scenes(self.count, self.kind[rows, order], self.centre[rows, order], self.width[rows, order]), gone


def things_there(count: Array) -> Array:
    """(N, S), where things are in scenes of so many (N,)."""
    return np.asarray(np.arange(MOST) < count[:, None])


def counts(count: int, random: np.random.RandomState) -> Array:
    """How many things each scene has, (N,)."""
    return random.randint(FEWEST, MOST + 1, size=count)


def centres(count: Array, random: np.random.RandomState, good: Callable[[Array, Array], Array]) -> Array:
    """Where things are, (N, S, 2): drawn again until no two can overlap, whatever their widths, and a condition holds.

    So widths, which are drawn elsewhere, tell nothing of places.

    Args:
        count: of things (N,).
        random: the source.
        good: which of some scenes the condition holds for, from their counts (n,) and distances (n, S, S).
    """
    margin = WIDTHS[0] / 2 + 1
    found = np.zeros((len(count), MOST, 2))
    open_ = np.arange(len(count))
    while len(open_):
        drawn = margin + random.random_sample((len(open_), MOST, 2)) * (SIDE - 2 * margin)
        there = things_there(count[open_])
        both = there[:, :, None] & there[:, None] & ~np.eye(MOST, dtype=bool)
        apart = np.abs(drawn[:, :, None] - drawn[:, None]).max(axis=-1)
        fits = np.where(both, apart, np.inf).min(axis=(1, 2)) > WIDTHS[0]
        fits[fits] = good(count[open_[fits]], distances(drawn[fits], there[fits]))
        found[open_[fits]] = drawn[fits]
        open_ = open_[~fits]
    return found


def distances(centre: Array, there: Array) -> Array:
    """Distances (N, S, S) of things; infinite to oneself and to what is not there."""
    apart = np.sqrt(((centre[:, :, None] - centre[:, None]) ** 2).sum(axis=-1))
    both = there[:, :, None] & there[:, None] & ~np.eye(MOST, dtype=bool)
    return np.where(both, apart, np.inf)


def clearly_nearest(distance: Array, factor: float = NEARER) -> Array:
    """Which thing is nearest to each by the factor at least, (N, S): its place, or -1 where it is a close call."""
    two = np.partition(distance, 1, axis=-1)[..., :2]
    with np.errstate(invalid="ignore"):
        clear = two[..., 1] >= factor * two[..., 0]
    return np.where(clear & np.isfinite(two[..., 0]), distance.argmin(axis=-1), -1)


def any_widths(count: Array, random: np.random.RandomState) -> Array:
    """Widths (N, S): all of a scene are different."""
    order = random.random_sample((len(count), MOST)).argsort(axis=1)
    return np.asarray(WIDTHS[order])


def region_table(scenes: Scenes, random: np.random.RandomState, boxes: Array | None = None) -> RegionTable:
    """Scenes as images.

    A region's feature is the sum of a direction of its colour and one of its shape, all eight at right angles, and of
    noise of deviation 0.15.

    Args:
        scenes: drawn.
        random: of the noise.
        boxes: of the regions, (N, S, 4), where they are not those of the things.
    """
    there = scenes.there
    codes = _directions()
    clean = codes[scenes.kind // len(SHAPES)] + codes[len(COLOURS) + scenes.kind % len(SHAPES)]
    features = (clean + _NOISE * random.standard_normal(clean.shape)) * there[..., None]
    boxes = (scenes.boxes if boxes is None else boxes) * there[..., None]
    sizes = np.full((len(scenes), 2), SIDE)
    return RegionTable(_floats(features), _floats(boxes), _floats(sizes))


def seed_of(seed: int, split: int) -> np.random.RandomState:
    """The source of a split. RandomState, because NumPy promises that its stream never changes."""
    return np.random.RandomState([seed, split])


def _floats(values: Array) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


def _directions() -> Array:
    """Eight directions at right angles (8, C), always the same."""
    # The columns of a Hadamard matrix, which need no random numbers and no library's decomposition.
    hadamard = np.array([[1.0]])
    while len(hadamard) < CHANNELS:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    return hadamard[: len(COLOURS) + len(SHAPES)] / np.sqrt(CHANNELS)
