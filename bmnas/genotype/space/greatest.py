"""The inputs with the greatest product of weights, without going through all that a node may read.

Inputs are chosen one position after the other. No product of what is chosen and the greatest weights of the positions
left is smaller than what can come of it, in floating point too, so most beginnings are given up early (branch and
bound): of three inputs among 64 features, which have 249,984 orders, about a thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import mul

from bmnas.genotype.space.choices import Nodes

Row = Sequence[float]
"""The weight of every node; none is less than 0 where they are multiplied, and what is no number counts as 0."""
Combine = Callable[[float, float], float]


def greatest(
    patterns: Iterable[Sequence[Sequence[int]]],
    rows: Sequence[Row],
    *,
    allowed: Callable[[Nodes], bool] = lambda nodes: True,
    repeats: bool = False,
    combine: Combine = mul,
) -> Nodes:
    """The inputs whose weights have the greatest product; of equals, the first in order of their numbers.

    Args:
        patterns: which nodes each position may read, ascending; the inputs keep to one pattern.
        rows: for each position the weight of every node.
        allowed: whether inputs that keep to a pattern may be read.
        repeats: whether one node may be read twice.
        combine: what takes the place of the product: of two numbers, and not less where one of them is greater.

    Raises:
        ValueError: there are no such inputs.
    """
    searches = [_Search(pattern, rows, allowed, repeats, combine) for pattern in patterns if all(pattern)]
    value: float | None = None
    for search in searches:
        value = search.greatest_value(value)
    if value is None:
        raise ValueError("there are no inputs to choose from")
    return min(first for search in searches if (first := search.first(value)) is not None)


class _Search:
    """The inputs that keep to one pattern."""

    def __init__(
        self,
        pattern: Sequence[Sequence[int]],
        rows: Sequence[Row],
        allowed: Callable[[Nodes], bool],
        repeats: bool,
        combine: Combine,
    ) -> None:
        self._allowed, self._repeats, self._combine = allowed, repeats, combine
        self._nodes = pattern
        self._weights = [
            {node: row[node] if row[node] == row[node] else 0.0 for node in nodes}
            for nodes, row in zip(pattern, rows, strict=True)
        ]
        self._tops = [max(weights.values()) for weights in self._weights]

    def greatest_value(self, least: float | None) -> float | None:
        """The greatest product, or ``least`` where none is greater."""
        falling = [sorted(weights, key=weights.__getitem__, reverse=True) for weights in self._weights]
        best = least

        def descend(begun: Nodes, product: float | None) -> None:
            nonlocal best
            i = len(begun)
            if i == len(falling):
                if self._allowed(begun):
                    best = product
                return
            for node in falling[i]:
                longer = self._product(product, self._weights[i][node])
                if best is not None and self._bound(longer, i) <= best:
                    return
                if self._repeats or node not in begun:
                    descend((*begun, node), longer)

        descend((), None)
        return best

    def first(self, value: float) -> Nodes | None:
        """The first inputs that have that product, which is the greatest; ``None`` where none of the pattern has it."""

        def descend(begun: Nodes, product: float | None) -> Nodes | None:
            i = len(begun)
            if i == len(self._nodes):
                return begun if self._allowed(begun) else None
            for node in self._nodes[i]:
                longer = self._product(product, self._weights[i][node])
                if self._bound(longer, i) >= value and (self._repeats or node not in begun):
                    found = descend((*begun, node), longer)
                    if found is not None:
                        return found
            return None

        return descend((), None)

    def _product(self, product: float | None, weight: float) -> float:
        return weight if product is None else self._combine(product, weight)

    def _bound(self, product: float, i: int) -> float:
        """No product of inputs that begin so, up to position ``i``, is greater."""
        for top in self._tops[i + 1 :]:
            product = self._combine(product, top)
        return product
