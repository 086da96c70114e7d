"""A map between two coloured graphs, where there is one; of two colourings of one graph, an automorphism of it."""

from __future__ import annotations

from typing import NamedTuple

from bmnas.genotype.refinement import Around, Colouring, Effort, parts_of, size

Map = dict[int, int]


class Coloured(NamedTuple):
    """A graph, and a refined colouring of all of its nodes."""

    around: Around
    colouring: Colouring

    def individualised(self, node: int, effort: Effort) -> Coloured:
        """The same graph, with a node before the others of its colour."""
        return Coloured(self.around, self.colouring.individualised(node, self.around, effort))

    def parts(self) -> list[Coloured]:
        """What cannot tell each other apart: the parts without the edges that their colours imply."""
        loose = self.colouring.loose(self.around)
        return [Coloured({node: loose[node] for node in part}, self.colouring.within(part)) for part in parts_of(loose)]


def isomorphism(one: Coloured, other: Coloured, effort: Effort) -> Map | None:
    """A map of the nodes that keeps edges and takes each to a node of its colour; ``None`` where there is none.

    Where the graphs fall apart, a part is mapped to the first part that it can be mapped to: which one it is makes no
    difference to the others. Where they do not, a node of the one is mapped to each of the other in turn.

    Args:
        one: a coloured graph.
        other: another one.
        effort: what it may take.

    Raises:
        TooSymmetricError: it would take more.
    """
    effort.spend(3 * size(one.around))  # traces, parts, edges without those that are implied
    if one.colouring.trace(one.around) != other.colouring.trace(other.around):
        return None
    if one.colouring.discrete:
        return dict(zip(one.colouring, other.colouring, strict=True))
    parts, others = one.parts(), other.parts()
    if len(parts) != len(others):
        return None
    return _by_choice(parts[0], others[0], effort) if len(parts) == 1 else _part_by_part(parts, others, effort)


def _part_by_part(parts: list[Coloured], others: list[Coloured], effort: Effort) -> Map | None:
    free: dict[tuple[int, ...], list[Coloured]] = {}
    for other in others:
        free.setdefault(_colours(other), []).append(other)
    found: Map = {}
    for part in parts:
        # What need not move does not: then there is less to be tried.
        candidates = sorted(free.get(_colours(part), []), key=lambda each: each.around != part.around)
        for candidate in candidates:
            own = _part(part, candidate, effort)
            if own is not None:
                found |= own
                free[_colours(part)] = [each for each in candidates if each is not candidate]
                break
        else:
            return None
    return found


def _part(part: Coloured, other: Coloured, effort: Effort) -> Map | None:
    if part == other:
        return {node: node for node in part.around}
    if len(part.around) == 1:
        return dict(zip(part.around, other.around, strict=True))
    return isomorphism(part, other, effort)


def _by_choice(one: Coloured, other: Coloured, effort: Effort) -> Map | None:
    start = one.colouring.choice(one.around)
    fixed = one.individualised(min(one.colouring.classes[start]), effort)
    for node in sorted(other.colouring.classes[start]):
        found = isomorphism(fixed, other.individualised(node, effort), effort)
        if found is not None:
            return found
    return None


def _colours(part: Coloured) -> tuple[int, ...]:
    return tuple(sorted(part.colouring.colour.values()))
