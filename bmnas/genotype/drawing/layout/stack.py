"""Places for things above each other, each as near as can be to where it would like to stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Wishes = tuple[tuple[float, float], ...]
"""Places, each with how much it counts."""


@dataclass(frozen=True)
class Placed:
    """One thing of a stack.

    Attributes:
        extent: how high it is.
        wishes: where its beginning would like to be, each with its weight.
        before: the least distance to the thing in front of it.
    """

    extent: float
    wishes: Wishes = ()
    before: float = 0.0


def stacked(things: Sequence[Placed]) -> list[float]:
    """Where each begins: in their order, at least their distances apart, as near to the wishes as can be.

    Nearness is the sum of absolute differences, so that most wires are straight, and not all of them a little bent.
    Without its distances the places of a stack do not fall, so this is isotonic regression of medians, done by pooling
    adjacent violators.
    """
    blocks: list[tuple[float, Wishes, int]] = []  # where it is without the distances, the wishes, how many things
    offsets: list[float] = []
    end = 0.0
    for number, thing in enumerate(things):
        offset = end + (thing.before if number else 0.0)
        offsets.append(offset)
        end = offset + thing.extent
        wishes = tuple((wish - offset, weight) for wish, weight in thing.wishes)
        if not wishes and blocks:  # it stands as close to the thing before it as it may
            base, others, count = blocks[-1]
            blocks[-1] = (base, others, count + 1)
            continue
        block = (_median(wishes), wishes, 1)
        # A block without any wish, which only the first can be, stands close to what is behind it.
        while blocks and (blocks[-1][0] > block[0] or not blocks[-1][1]):
            _, others, count = blocks.pop()
            both = (*others, *block[1])
            block = (_median(both, between=False), both, count + block[2])
        blocks.append(block)
    bases = [base for base, _, count in blocks for _ in range(count)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]


def _median(wishes: Wishes, between: bool = True) -> float:
    """The weighted median of the wishes, and 0 if there are none.

    Where two of them and all between them are, it is the middle, or the first of them if ``between`` is false: several
    things that push each other are better in line with one wire than with none.
    """
    if not wishes:
        return 0.0
    ordered = sorted(wishes)
    half = sum(weight for _, weight in ordered) / 2
    below = 0.0
    for number, (wish, weight) in enumerate(ordered):
        below += weight
        if below > half + 1e-9:
            return wish
        if below > half - 1e-9:
            return (wish + ordered[number + 1][0]) / 2 if between else wish
    return ordered[-1][0]
