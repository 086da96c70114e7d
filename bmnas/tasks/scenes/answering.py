"""Questions about scenes, four about each, one of each family; the answers are drawn evenly before the scene.

So the words of a question tell nothing of its answer, and an image nothing of which family is asked. Axes: N scenes,
S things.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bmnas.tasks.scenes.things import (
    COLOURS,
    KINDS,
    MOST,
    SHAPES,
    WIDTHS,
    Array,
    Scenes,
    centres,
    clearly_nearest,
    counts,
    things_there,
)

FAMILIES = ("shape", "color", "bigger", "exists")
ANSWERS = (*SHAPES, *COLOURS, "0", "1", "2", "3", "yes", "no")
_TEXTS = (
    "what shape is nearest to the {}",
    "what color is nearest to the {}",
    "how many things are bigger than the {}",
    "is there a {}",
)
TEXTS = tuple(text.format(kind) for text in _TEXTS for kind in KINDS)
_FIRST = {"shape": 0, "color": len(SHAPES), "bigger": len(SHAPES) + len(COLOURS), "exists": len(ANSWERS) - 2}
_BIGGER = 4


class Questions(NamedTuple):
    """Scenes and what is asked.

    Attributes:
        scenes: N of them.
        text: (N, 4) places in `TEXTS`, one of each family.
        answer: (N, 4) places in `ANSWERS`.
    """

    scenes: Scenes
    text: Array
    answer: Array


def draw_questions(count: int, random: np.random.RandomState) -> Questions:
    """Scenes with four questions each.

    Thing 0 is the one that three questions are about, the only one of its kind; thing 1 is nearest to it. Every shape
    and every colour of the nearest is equally likely, whatever the first is.
    """
    number = counts(count, random)
    centre = _first_and_nearest(number, random)
    kind = _kinds(number, random)
    bigger = random.randint(_BIGGER, size=count)
    is_there = random.randint(2, size=count)
    asked = _asked(kind, is_there, random)
    scenes, _ = Scenes(number, kind, centre, _widths(number, bigger, random)).shuffled(random)
    text = np.stack([kind[:, 0], kind[:, 0], kind[:, 0], asked], axis=1) + np.arange(4) * len(KINDS)
    answer = np.stack(
        [
            _FIRST["shape"] + kind[:, 1] % len(SHAPES),
            _FIRST["color"] + kind[:, 1] // len(SHAPES),
            _FIRST["bigger"] + bigger,
            _FIRST["exists"] + 1 - is_there,
        ],
        axis=1,
    )
    return Questions(scenes, text, answer)


def without_positions(kind: Array, first: Array) -> tuple[float, float]:
    """How often the best guess from the kinds of things alone is right, of the shape and of the color that is nearest.

    By Bayes' rule, the kind of the nearest is each kind in proportion to how many of the other things have it and how
    likely it was drawn for the nearest.

    Args:
        kind: (N, S) of scenes, -1 where nothing is.
        first: (N,) the kind that is asked about.
    """
    others = np.stack([(kind == each).sum(axis=1) for each in range(len(KINDS))], axis=1)
    others[np.arange(len(first)), first] = 0
    weight = others * _NEAREST[first]
    weight = (weight / weight.sum(axis=1, keepdims=True)).reshape(len(first), len(COLOURS), len(SHAPES))
    return float(weight.sum(axis=1).max(axis=1).mean()), float(weight.sum(axis=2).max(axis=1).mean())


def _first_and_nearest(number: Array, random: np.random.RandomState) -> Array:
    """Centres; the thing that is clearly nearest to thing 0 is thing 1."""
    centre = centres(number, random, lambda _, distance: clearly_nearest(distance[:, :1])[:, 0] >= 0)
    apart = ((centre - centre[:, :1]) ** 2).sum(axis=-1)
    apart[:, 0] = np.inf
    nearest = np.where(things_there(number), apart, np.inf).argmin(axis=1)
    rows = np.arange(len(number))
    centre[rows, 1], centre[rows, nearest] = centre[rows, nearest].copy(), centre[rows, 1].copy()
    return centre


def _kinds(number: Array, random: np.random.RandomState) -> Array:
    """Kinds (N, S), such that some kind is not there although its colour and its shape are."""
    count = len(number)
    kind = np.full((count, MOST), -1)
    kind[:, 0] = random.randint(len(KINDS), size=count)
    chances = _NEAREST.cumsum(axis=1)[kind[:, 0]]
    kind[:, 1] = (random.random_sample((count, 1)) * chances[:, -1:] >= chances).sum(axis=1)
    there, open_ = things_there(number), np.arange(count)
    while len(open_):
        others = random.randint(len(KINDS) - 1, size=(len(open_), MOST - 2))
        others += others >= kind[open_, :1]
        kind[open_, 2:] = np.where(there[open_, 2:], others, -1)
        open_ = open_[~_absent(kind[open_]).any(axis=1)]
    return kind


def _asked(kind: Array, is_there: Array, random: np.random.RandomState) -> Array:
    """Of which kind it is asked whether it is there: one that is, or one whose colour and shape are."""
    may = np.where(is_there[:, None] == 1, _present(kind), _absent(kind))
    return np.asarray(np.where(may, random.random_sample(may.shape), -1.0).argmax(axis=1))


def _present(kind: Array) -> Array:
    """Which kinds are there, (N, K)."""
    return np.stack([(kind == each).any(axis=1) for each in range(len(KINDS))], axis=1)


def _absent(kind: Array) -> Array:
    """Which kinds are not there although their colour and their shape are, (N, K)."""
    grid = _present(kind).reshape(len(kind), len(COLOURS), len(SHAPES))
    both = np.asarray(grid.any(axis=2))[:, :, None] & np.asarray(grid.any(axis=1))[:, None]
    return np.asarray(both & ~grid).reshape(len(kind), -1)


def _widths(number: Array, bigger: Array, random: np.random.RandomState) -> Array:
    """Widths (N, S), all different; of so many things (N,) thing 0 is smaller."""
    chosen = np.where(things_there(number), 1, 0)
    # As many of the eight widths as there are things, from large to small.
    picked = np.argsort(random.random_sample(chosen.shape), axis=1)
    picked = np.sort(np.where(things_there(number), picked, MOST), axis=1)
    order = np.argsort(np.where(things_there(number), random.random_sample(chosen.shape), 2.0), axis=1)
    rows = np.arange(len(number))
    at = (order == bigger[:, None]).argmax(axis=1)
    order[rows, at], order[:, 0] = order[:, 0].copy(), bigger
    return np.asarray(WIDTHS[np.minimum(np.take_along_axis(picked, order, axis=1), MOST - 1)])


def _nearest_table() -> Array:
    """How likely each kind is for the thing that is nearest to one of each kind, (K, K).

    It cannot be of the same kind, but each shape and each colour has to be equally likely: of the kinds that share one
    of the two each has 1/12, of those that share neither 1/18.
    """
    numbers = np.arange(len(KINDS))
    colour, shape = numbers // len(SHAPES), numbers % len(SHAPES)
    alike = (colour[:, None] == colour).astype(int) + (shape[:, None] == shape)
    return np.array([1 / 18, 1 / 12, 0.0])[alike]


_NEAREST = _nearest_table()
