"""The space between two layers: in which order wires cross it, so that few meet and none lies upon another."""

from __future__ import annotations

from collections.abc import Sequence

CLOSE = 3.0  # points; two lines that are nearer look like one
UPON = 1000.0  # what it costs that a wire lies upon another one
_TOUCH = 3.0  # what it costs that a wire crosses another one where that turns
_EXACT = 7  # wires whose best order is found among all


class Crossing:
    """What one wire does in a channel: where it comes in and where it goes out.

    Attributes:
        left: the places where it meets the layer before the channel.
        right: the places where it meets the layer behind it.
        low: where its track begins.
        high: where its track ends.
        straight: whether it needs no track.
    """

    __slots__ = ("high", "left", "low", "right", "straight")

    def __init__(self, left: tuple[float, ...], right: tuple[float, ...]) -> None:
        self.left, self.right = left, right
        both = left + right
        self.low, self.high = min(both), max(both)
        self.straight = self.high - self.low < 1e-6


def tracks(crossings: Sequence[Crossing]) -> tuple[list[int | None], int, float]:
    """On which track each wire goes up or down, counted from the left.

    Returns:
        the track of each, ``None`` for those that go straight on; how many tracks there are; and what it costs: one for
        every crossing, and `UPON` for two wires that lie upon each other.
    """
    turning = [number for number, each in enumerate(crossings) if not each.straight]
    cost = {
        (i, j): _cost(crossings[i], crossings[j]) for i in turning for j in turning if i != j
    }  # of i to the left of j
    order = _best_order(turning, cost)
    found: list[int | None] = [None] * len(crossings)
    for place, number in enumerate(order):
        before = [found[other] for other in order[:place] if _overlap(crossings[other], crossings[number])]
        found[number] = 1 + max((track for track in before if track is not None), default=-1)
    total = sum(cost[i, j] for place, i in enumerate(order) for j in order[place + 1 :])
    for straight in (each for each in crossings if each.straight):
        total += sum(_meets(straight.low, crossings[number]) for number in turning)
    return found, 1 + max((track for track in found if track is not None), default=-1), total


def _best_order(turning: list[int], cost: dict[tuple[int, int], float]) -> list[int]:
    """An order that costs little; the least of all where they are few."""
    if len(turning) < 2:
        return turning
    if len(turning) <= _EXACT:
        return _exact_order(turning, cost)
    order: list[int] = []
    for new in turning:
        prices = []
        price = sum(cost[new, other] for other in order)
        for place in range(len(order) + 1):
            prices.append((price, place))
            if place < len(order):
                price += cost[order[place], new] - cost[new, order[place]]
        order.insert(min(prices)[1], new)
    return order


def _exact_order(turning: list[int], cost: dict[tuple[int, int], float]) -> list[int]:
    """The best order, by dynamic programming over which wires stand to the left."""
    count = len(turning)
    best: list[tuple[float, int]] = [(0.0, -1)] * (1 << count)
    for mask in range(1, 1 << count):
        options = []
        for last in range(count):
            if mask >> last & 1:
                rest = mask & ~(1 << last)
                more = sum(cost[turning[other], turning[last]] for other in range(count) if rest >> other & 1)
                options.append((best[rest][0] + more, last))
        best[mask] = min(options)
    order = []
    mask = (1 << count) - 1
    while mask:
        last = best[mask][1]
        order.append(turning[last])
        mask &= ~(1 << last)
    return order[::-1]


def _cost(one: Crossing, other: Crossing) -> float:
    """What it costs that ``one`` goes up or down to the left of ``other``."""
    total = 0.0
    for place in other.left:
        if one.low - CLOSE < place < one.high + CLOSE and place not in one.left:
            total += _meets(place, one)
    for place in one.right:
        if other.low - CLOSE < place < other.high + CLOSE and place not in other.right:
            total += _meets(place, other)
        for left in other.left:
            if abs(place - left) < CLOSE:
                total += UPON
    return total


def _meets(place: float, crossing: Crossing) -> float:
    """What it costs that a level line meets the track of a crossing: a bit more where that turns."""
    if crossing.low + CLOSE <= place <= crossing.high - CLOSE:
        return 1.0
    return _TOUCH if crossing.low - CLOSE < place < crossing.high + CLOSE else 0.0


def _overlap(one: Crossing, other: Crossing) -> bool:
    return one.low < other.high + 2 * CLOSE and other.low < one.high + 2 * CLOSE
