"""Texts that are true of one scene among twenty, ten pairs of twins: the same things in other places.

So what things there are tells at most which pair it is. Axes: N scenes, S things, K kinds, P pairs of kinds (K · K).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bmnas.tasks.scenes.things import (
    KINDS,
    MOST,
    NEARER,
    Array,
    Scenes,
    any_widths,
    centres,
    counts,
    distances,
    things_there,
)

GALLERY = 20
TEXTS = 2
_PAIRS = GALLERY // 2
_K = len(KINDS)


class Galleries(NamedTuple):
    """Scenes and texts.

    Attributes:
        scenes: N = galleries · 20; twins follow one another.
        clauses: (N, 2, 2): two texts of each scene, of two clauses each, which are pairs of kinds: K · one + other.
    """

    scenes: Scenes
    clauses: Array


def draw_galleries(count: int, random: np.random.RandomState) -> Galleries:
    """Galleries of twenty scenes with two texts each; a text is true of its scene alone, and clearly so."""
    scenes = _twins(count * _PAIRS, random)
    clauses = np.full((len(scenes), TEXTS, 2), -1)
    open_ = np.arange(count)
    while len(open_):
        wrong = [twins for gallery in open_ for twins in _told(scenes, int(gallery), clauses, random)]
        if wrong:
            _replace(scenes, np.array(wrong), _twins(len(wrong), random))
        open_ = np.unique(np.array(wrong, dtype=np.int64) // _PAIRS)
    return Galleries(scenes, clauses)


def text_of(clauses: Array) -> str:
    """``a red ball nearest to a blue cube and a green cone nearest to a red star``."""
    return " and ".join(f"a {KINDS[clause // _K]} nearest to a {KINDS[clause % _K]}" for clause in clauses.tolist())


def _twins(pairs: int, random: np.random.RandomState) -> Scenes:
    """Scenes two by two: the same kinds and widths, other places; each has two texts that are not true of its twin."""
    number, scenes = counts(pairs, random), None
    open_ = np.arange(pairs)
    while len(open_):
        drawn = _drawn(number[open_], random)
        scenes = drawn if scenes is None else scenes
        if scenes is not drawn:
            _replace(scenes, open_, drawn)
        open_ = open_[~_tell_apart(drawn)]
    assert scenes is not None
    return scenes


def _drawn(number: Array, random: np.random.RandomState) -> Scenes:
    """Pairs of scenes with so many things."""
    kind = np.where(things_there(number), random.randint(_K, size=(len(number), MOST)), -1)
    width, both = any_widths(number, random), np.repeat(np.arange(len(number)), 2)
    centre = centres(number[both], random, lambda own, _: np.ones(len(own), dtype=bool))
    # The order of things is drawn for each by itself.
    return Scenes(number[both], kind[both], centre, width[both]).shuffled(random)[0]


def _tell_apart(twins: Scenes) -> Array:
    """For which pairs each scene has texts enough that are not true of the other."""
    clear, maybe = _true(twins.kind, twins.centre, twins.there)
    shared = (clear & maybe.reshape(-1, 2, _K * _K)[:, ::-1].reshape(maybe.shape)).sum(axis=1)
    own = clear.sum(axis=1)
    texts = own * (own - 1) // 2 - shared * (shared - 1) // 2
    return np.asarray((texts.reshape(-1, 2) >= TEXTS).all(axis=1))


def _replace(scenes: Scenes, twins: Array, fresh: Scenes) -> None:
    """Put fresh pairs in the places of some, by number."""
    rows = np.stack([2 * twins, 2 * twins + 1], axis=1).reshape(-1)
    for old, new in (
        (scenes.count, fresh.count),
        (scenes.kind, fresh.kind),
        (scenes.centre, fresh.centre),
        (scenes.width, fresh.width),
    ):
        old[rows] = new


def _told(scenes: Scenes, gallery: int, clauses: Array, random: np.random.RandomState) -> list[int]:
    """Write texts for the scenes of a gallery; which pairs of twins have no two, by their number."""
    rows = slice(gallery * GALLERY, (gallery + 1) * GALLERY)
    clear, maybe = _true(scenes.kind[rows], scenes.centre[rows], scenes.there[rows])
    wrong = set()
    for place in range(GALLERY):
        texts = _texts(clear[place].nonzero()[0], np.delete(maybe, place, axis=0))
        if len(texts) < TEXTS:
            wrong.add(gallery * _PAIRS + place // 2)
            continue
        chosen = texts[random.permutation(len(texts))[:TEXTS]]
        clauses[gallery * GALLERY + place] = np.stack([random.permutation(text) for text in chosen])
    return sorted(wrong)


def _texts(clear: Array, others: Array) -> Array:
    """Pairs of clauses that are clearly true here, and in no other scene both maybe true: (texts, 2)."""
    one, other = np.triu_indices(len(clear), k=1)
    both = others[:, clear[one]] & others[:, clear[other]]
    alone = ~both.any(axis=0)
    return np.stack([clear[one][alone], clear[other][alone]], axis=1)


def _true(kind: Array, centre: Array, there: Array) -> tuple[Array, Array]:
    """Which clauses "one is nearest to the other" are clearly true, and which may seem so, each (N, P)."""
    distance = distances(centre, there)
    two = np.partition(distance, 1, axis=-1)[..., :2]
    near = (distance <= NEARER * two[..., :1]) & np.isfinite(distance)
    clear = near & (two[..., 1] >= NEARER * two[..., 0])[..., None] & (distance == two[..., :1])
    pairs = kind[:, :, None] * _K + kind[:, None]
    found = []
    for which in (clear, near):
        table = np.zeros((len(kind), _K * _K), dtype=bool)
        scene, one, other = which.nonzero()
        table[scene, pairs[scene, one, other]] = True
        found.append(table)
    return found[0], found[1]
