"""Places for things above each other, each as near as can be to where it would like to stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Wishes = tuple[tuple[float, float], ...]
"""Places, each with how much it counts."""


class Placed(NamedTuple):
    """One thing of a stack.

    Attributes:
        extent: how high it is.
        wishes: where its beginning would like to be, each with its weight.
        before: the least distance to the thing in front of it.
    """

    extent: float
    wishes: Wishes = ()
    before: float = 0.0


def stacked(things: Sequence[Placed], late: bool = False) -> list[float]:
    """Where each begins: in their order, at least their distances apart, as near to the wishes as can be.

    Nearness is the sum of absolute differences, so that most wires are straight, and not all of them a little bent.
    Without its distances the places of a stack do not fall, so this is isotonic regression of medians, done by pooling
    adjacent violators.

    Args:
        things: in their order.
        late: which of several places that are as good things that push each other have: the last one, or the first.
    """
    blocks: list[_Block] = []
    offsets: list[float] = []
    end = 0.0
    for number, thing in enumerate(things):
        offset = end + (thing.before if number else 0.0)
        offsets.append(offset)
        end = offset + thing.extent
        wishes = tuple((wish - offset, weight) for wish, weight in thing.wishes)
        if not wishes and blocks:  # it stands as close to the thing before it as it may
            blocks[-1].count += 1
            continue
        block = _Block(wishes)
        # A block without any wish, which only the first can be, stands close to what is behind it.
        while blocks and (not blocks[-1].wishes or not _fits(blocks, block)):
            before = blocks.pop()
            block = _Block((*before.wishes, *block.wishes), before.count + block.count, late)
        blocks.append(block)
    bases = [block.base for block in blocks for _ in range(block.count)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]


class _Block:
    """Things that stand as close as they may.

    Attributes:
        low, high: between these it is as near to its wishes as can be.
        base: where it is: for one thing in the middle of them, else at one end. Things that push each other are better
            in line with one wire than with none.
    """

    def __init__(self, wishes: Wishes, count: int = 1, late: bool = False) -> None:
        self.wishes, self.count = wishes, count
        self.low, self.high = _medians(wishes)
        self.base = (self.low + self.high) / 2 if count == 1 else self.high if late else self.low


def _fits(blocks: Sequence[_Block], block: _Block) -> bool:
    """Whether a block is behind the others, or can be without standing further from its wishes."""
    before = blocks[-1]
    floor = blocks[-2].base if len(blocks) > 1 else float("-inf")
    if before.base <= block.base:
        return True
    if before.base <= block.high:
        block.base = block.high
    elif floor <= before.low <= block.base:
        before.base = before.low
    else:
        return False
    return True


def _medians(wishes: Wishes) -> tuple[float, float]:
    """The least and the greatest of what are weighted medians of the wishes; 0 if there are no wishes."""
    ordered = sorted(wishes)
    half = sum(weight for _, weight in ordered) / 2
    below = 0.0
    for number, (wish, weight) in enumerate(ordered):
        below += weight
        if below > half + 1e-9:
            return wish, wish
        if below > half - 1e-9:
            return wish, ordered[number + 1][0]
    return 0.0, 0.0
