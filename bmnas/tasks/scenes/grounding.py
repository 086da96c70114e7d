"""Descriptions of one of two things that look alike, four about each scene, two of each thing.

So neither the words nor the image nor what things there are tells which of the two is meant. Axes: N scenes, S things.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from bmnas.tasks.heads import overlap
from bmnas.tasks.scenes.things import (
    KINDS,
    MOST,
    NEARER,
    SIDE,
    Array,
    Scenes,
    any_widths,
    centres,
    counts,
    things_there,
)

KIND_NAMES = ("size", "place")
DESCRIPTIONS = 4
# The least overlap of a proposal with its thing.
_LEAST = 0.55


class Descriptions(NamedTuple):
    """Scenes and what is described.

    Attributes:
        scenes: N of them.
        texts: four of each.
        target: (N, 4): which thing is meant, its place in the scene.
        proposals: (N, S, 4): boxes of the regions, which are near those of the things.
    """

    scenes: Scenes
    texts: list[tuple[str, ...]]
    target: Array
    proposals: Array


def draw_descriptions(count: int, random: np.random.RandomState) -> Descriptions:
    """Scenes in which things 0 and 1 look alike and all others differ: the larger one, the smaller one, and each by
    a thing that it is clearly nearer to than the other.
    """
    number = counts(count, random)
    centre = centres(number, random, _both_sides)
    apart = np.sqrt(((centre[:, :, None] - centre[:, None]) ** 2).sum(axis=-1))
    sides = _sides(apart, number)
    by = np.where(sides, random.random_sample(sides.shape), -1.0).argmax(axis=2)
    kind, width = _kinds(number, random), any_widths(number, random)
    larger = (width[:, 1] > width[:, 0]).astype(int)
    target = np.stack([larger, 1 - larger, np.zeros_like(larger), np.ones_like(larger)], axis=1)
    rows = np.arange(count)
    texts = [
        _texts(*names)
        for names in zip(kind[:, 0].tolist(), kind[rows, by[:, 0]].tolist(), kind[rows, by[:, 1]].tolist(), strict=True)
    ]
    scenes, gone = Scenes(number, kind, centre, width).shuffled(random)
    return Descriptions(scenes, texts, np.take_along_axis(gone, target, axis=1), _proposals(scenes, random))


def _texts(alike: int, first: int, second: int) -> tuple[str, ...]:
    one = KINDS[alike]
    return (
        f"the larger {one}",
        f"the smaller {one}",
        f"the {one} nearest to the {KINDS[first]}",
        f"the {one} nearest to the {KINDS[second]}",
    )


def _both_sides(number: Array, distance: Array) -> Array:
    """Which scenes have a thing on either side."""
    each: Array = np.asarray(_sides(distance, number).any(axis=2))
    return np.asarray(each.all(axis=1))


def _sides(distance: Array, number: Array) -> Array:
    """Which things are clearly nearer to thing 0 than to thing 1, and the other way round, (N, 2, S)."""
    others = things_there(number) & (np.arange(MOST) > 1)
    with np.errstate(invalid="ignore"):
        nearer = distance[:, [1, 0]] >= NEARER * distance[:, [0, 1]]
    return np.asarray(nearer & others[:, None])


def _kinds(number: Array, random: np.random.RandomState) -> Array:
    """Kinds (N, S): the first two are the same, all others differ from them and from each other."""
    kind = random.random_sample((len(number), len(KINDS))).argsort(axis=1)[:, : MOST - 1]
    kind = np.concatenate([kind[:, :1], kind], axis=1)
    return np.where(things_there(number), kind, -1)


def _proposals(scenes: Scenes, random: np.random.RandomState) -> Array:
    """Boxes that are moved and scaled, and overlap their things' by 0.55 at least, (N, S, 4)."""
    true = scenes.boxes
    found, open_ = true.copy(), scenes.there
    while open_.any():
        scene, thing = open_.nonzero()
        width = scenes.width[scene, thing][:, None]
        size = width * np.exp(random.uniform(-0.25, 0.25, size=(len(scene), 2)))
        centre = scenes.centre[scene, thing] + width * random.uniform(-0.2, 0.2, size=(len(scene), 2))
        drawn = np.concatenate([centre - size / 2, centre + size / 2], axis=1).clip(0, SIDE)
        near = overlap(torch.from_numpy(drawn), torch.from_numpy(true[scene, thing])).numpy() >= _LEAST
        found[scene[near], thing[near]] = drawn[near]
        open_ = open_.copy()
        open_[scene[near], thing[near]] = False
    return found
