"""The upper level of a space: the nodes that its cells read (Section 3.2), counted, numbered and varied.

Under the rule that cells differ in their *inputs*, cell n (from 0) has comb(nodes, K) - n sets to choose from whatever
the cells before it read: all of their sets are among them. Under the rule that each cell reads a *new feature* the
number depends on how many features the cells before it use, and on nothing else; so that number is the state of a
dynamic programme.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import comb, prod

from bmnas.genotype.space.choices import Nodes, Sizes
from bmnas.genotype.space.subsets import Group, Subsets


def count(sizes: Sizes) -> int:
    """In how many ways the cells can read."""
    if sizes.new_feature:
        return _completions(sizes)[0][0]
    return prod(_sets_left(sizes, n) for n in range(sizes.cells))


@lru_cache(maxsize=1024)
def unrank(sizes: Sizes, index: int) -> tuple[Nodes, ...]:
    """What each cell reads, at an index from 0 to ``count - 1``."""
    chosen: list[Nodes] = []
    if not sizes.new_feature:
        digits = []
        for n in reversed(range(sizes.cells)):
            index, digit = divmod(index, _sets_left(sizes, n))
            digits.append(digit)
        for n, digit in enumerate(reversed(digits)):
            chosen.append(_unlike(sizes, n, chosen)[digit])
        return tuple(chosen)
    for n in range(sizes.cells):
        nodes, index = _read(sizes, n, chosen, index)
        chosen.append(nodes)
    return tuple(chosen)


def rank(sizes: Sizes, inputs: Sequence[Nodes]) -> int:
    """The index of what the cells read, which must keep to the rules (`fault`)."""
    index = 0
    if not sizes.new_feature:
        for n, nodes in enumerate(inputs):
            index = index * _sets_left(sizes, n) + _unlike(sizes, n, inputs[:n]).index(nodes)
        return index
    for n, nodes in enumerate(inputs):
        new = len(set(nodes) & set(_new_features(sizes, inputs[:n])))
        for taken, (sets, completions) in enumerate(_by_new_features(sizes, n, inputs[:n]), 1):
            if taken == new:
                index += sets.index(nodes) * completions
                break
            index += sets.count * completions
    return index


def fault(sizes: Sizes, inputs: Sequence[Nodes]) -> tuple[int, str] | None:
    """The first cell (from 0) that breaks the rule of how cells differ, and how; ``None`` where none does."""
    used: set[int] = set()
    seen: set[Nodes] = set()
    for n, nodes in enumerate(inputs):
        features = {node for node in nodes if node < sizes.features}
        if sizes.new_feature and features <= used:
            return n, "reads no feature that no earlier cell reads, but in this space every cell does"
        if not sizes.new_feature and nodes in seen:
            return n, "reads the same nodes as an earlier cell, but in this space no two cells do"
        used |= features
        seen.add(nodes)
    return None


def may_read(sizes: Sizes, earlier: Sequence[Nodes]) -> Subsets:
    """What the next cell may read after those ``earlier`` ones, so that something is left for all cells after it."""
    n = len(earlier)
    if not sizes.new_feature:
        return _unlike(sizes, n, earlier)
    new = _new_features(sizes, earlier)
    old = sorted(set(range(sizes.nodes_before_cell(n))).difference(new))
    # One new feature for each later cell is enough: what else these read may be what earlier ones read.
    most = len(new) - (sizes.cells - n - 1)
    return Subsets(sizes.cell_inputs, [Group(new, 1, most), Group(old, 0, sizes.cell_inputs - 1)])


def alternatives(sizes: Sizes, inputs: Sequence[Nodes], n: int) -> Subsets:
    """What cell ``n`` (from 0) could read instead, the other cells being as they are."""
    if not sizes.new_feature:
        return _unlike(sizes, n, inputs)
    new = set(_new_features(sizes, inputs[:n]))
    # A later cell must keep a new feature of its own. What is new to it if cell n is not counted is new to cell n too,
    # and no two later cells have such a feature in common; cell n may read any of these, but not all of one cell's.
    kept = []
    unread = set(new)
    for nodes in inputs[n + 1 :]:
        kept.append(sorted(unread.intersection(nodes)))
        unread.difference_update(nodes)
    free = sorted(new.difference(*kept))
    old = [node for node in range(sizes.nodes_before_cell(n)) if node not in new]
    size = sizes.cell_inputs
    groups = [Group(old, 0, size - 1), Group(free, 0, size), *(Group(nodes, 0, len(nodes) - 1) for nodes in kept)]
    return Subsets(size, groups, without=[inputs[n]])


def _sets_left(sizes: Sizes, n: int) -> int:
    return comb(sizes.nodes_before_cell(n), sizes.cell_inputs) - n


def _unlike(sizes: Sizes, n: int, others: Sequence[Nodes]) -> Subsets:
    nodes = range(sizes.nodes_before_cell(n))
    return Subsets(sizes.cell_inputs, [Group(nodes, 0, sizes.cell_inputs)], without=others)


def _new_features(sizes: Sizes, read: Sequence[Nodes]) -> list[int]:
    used = {node for nodes in read for node in nodes}
    return [feature for feature in range(sizes.features) if feature not in used]


def _read(sizes: Sizes, n: int, before: Sequence[Nodes], index: int) -> tuple[Nodes, int]:
    """What cell ``n`` reads, at an index of it and the cells after it; and the index of those after it alone."""
    for sets, completions in _by_new_features(sizes, n, before):
        if index < sets.count * completions:
            digit, rest = divmod(index, completions)
            return sets[digit], rest
        index -= sets.count * completions
    raise IndexError("the cells cannot read in as many ways")


def _by_new_features(sizes: Sizes, n: int, before: Sequence[Nodes]) -> Iterator[tuple[Subsets, int]]:
    """The sets that cell ``n`` can read, by how many new features they have: 1, 2, ...; and how many ways the cells
    after it then have."""
    new = _new_features(sizes, before)
    old = sorted(set(range(sizes.nodes_before_cell(n))).difference(new))
    used = sizes.features - len(new)
    completions = _completions(sizes)[n + 1]
    for taken in range(1, sizes.cell_inputs + 1):
        kept = sizes.cell_inputs - taken
        groups = [Group(new, taken, taken), Group(old, kept, kept)]
        yield Subsets(sizes.cell_inputs, groups), completions.get(used + taken, 0)


@lru_cache(maxsize=64)
def _completions(sizes: Sizes) -> list[dict[int, int]]:
    """``[n][u]``: in how many ways the cells from ``n`` on can read when those before it use ``u`` features.

    With U = features - u new ones and O other nodes: Σ over t = 1 .. K of comb(U, t) comb(O, K - t) [n + 1][u + t].
    """
    k = sizes.cell_inputs
    states = [{0}]
    for _ in range(sizes.cells):
        states.append({u + t for u in states[-1] for t in range(1, k + 1) if u + t <= sizes.features})
    table = [dict.fromkeys(states[-1], 1)]
    for n in reversed(range(sizes.cells)):
        others = sizes.nodes_before_cell(n) - sizes.features
        table.append(
            {
                u: sum(
                    comb(sizes.features - u, t) * comb(others + u, k - t) * table[-1].get(u + t, 0)
                    for t in range(1, k + 1)
                )
                for u in states[n]
            }
        )
    return table[::-1]
