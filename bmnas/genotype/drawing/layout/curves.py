"""Ways with right angles as curves: straight on, and round at the corners."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

Point = tuple[float, float]

_RADIUS = 6.0
_ROUND = 0.5523  # how far the control points of a quarter of a circle are from its ends, in radii


def rounded(way: Sequence[Point], shorter: float = 0.0) -> list[Point]:
    """A way as cubic Bezier curves: a point, then three for each piece.

    Args:
        way: the corners, of which no two that follow each other are the same.
        shorter: how much earlier it ends, for the head of an arrow.
    """
    points = [*way[:-1], _towards(way[-1], way[-2], shorter)]
    found = [points[0]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_RADIUS, _distance(before, corner) / 2, _distance(corner, after) / 2)
        first, last = _towards(corner, before, radius), _towards(corner, after, radius)
        found += [found[-1], first, first]
        pull = radius * (1 - _ROUND)
        found += [_towards(corner, before, pull), _towards(corner, after, pull), last]
    return [*found, found[-1], points[-1], points[-1]]


def simplified(way: Sequence[Point]) -> list[Point]:
    """The way without points that are on a straight line between others."""
    found: list[Point] = []
    for point in way:
        if found and _distance(found[-1], point) < 1e-6:
            continue
        while len(found) > 1 and _level(found[-2], found[-1], point):
            found.pop()
        found.append(point)
    return found


def _level(a: Point, b: Point, c: Point) -> bool:
    return any(abs(a[axis] - b[axis]) < 1e-6 and abs(b[axis] - c[axis]) < 1e-6 for axis in (0, 1))


def _towards(start: Point, end: Point, length: float) -> Point:
    whole = _distance(start, end) or 1.0
    return (start[0] + (end[0] - start[0]) * length / whole, start[1] + (end[1] - start[1]) * length / whole)


def _distance(one: Point, other: Point) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])
