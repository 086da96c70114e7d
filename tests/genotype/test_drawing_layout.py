"""Where things stand in a picture: nothing on top of anything else, arrows end at sides, and lines keep apart."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, pairwise

import pytest
from hypothesis import example, given, settings, strategies as st

from bmnas.genotype import Genotype, from_dict, load
from bmnas.genotype.drawing.axes import Axes, Rect
from bmnas.genotype.drawing.comparison import scene_of_two
from bmnas.genotype.drawing.layout.arrange import Arranger
from bmnas.genotype.drawing.layout.channel import UPON, Crossing, tracks
from bmnas.genotype.drawing.layout.curves import rounded
from bmnas.genotype.drawing.layout.depth import depths
from bmnas.genotype.drawing.layout.layers import Item, Spacing, Wire
from bmnas.genotype.drawing.layout.stack import Placed, stacked
from bmnas.genotype.drawing.picture import scene_of
from bmnas.genotype.drawing.plate import Plate, Route, plate_of
from bmnas.genotype.drawing.scene import Key, Scene
from bmnas.genotype.published import names
from tests.genotype.test_schema import SHORT
from tests.profiles import examples
from tests.strategies import genotypes

PUBLISHED = names()
Segment = tuple[tuple[float, float], tuple[float, float]]
AXES = st.sampled_from([Axes(), Axes(portrait=True)])


def rects(plate: Plate) -> dict[Key, Rect]:
    found = {box.key: rect for rect, box in plate.boxes}
    for panel in plate.panels:
        found |= {box.key: rect for rect, box in panel.boxes}
    return found


def segments(route: Route) -> Iterable[Segment]:
    return pairwise(route.way)


def overlap(one: Rect, other: Rect, least: float = 0.01) -> bool:
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return wide > least and high > least


def span(segment: Segment) -> Rect:
    (x, y), (u, v) = segment
    return Rect(min(x, u), min(y, v), abs(u - x), abs(v - y))


def meets(segment: Segment, rect: Rect) -> bool:
    """Whether a part of the segment is inside the rectangle."""
    line = span(segment)
    inside = Rect(rect.x + 0.5, rect.y + 0.5, rect.width - 1, rect.height - 1)
    return (
        line.x < inside.x + inside.width
        and inside.x < line.x + line.width
        and inside.y <= line.y <= inside.y + inside.height
    ) or (
        line.y < inside.y + inside.height
        and inside.y < line.y + line.height
        and inside.x <= line.x <= inside.x + inside.width
    )


def at_a_side(point: tuple[float, float], rect: Rect) -> bool:
    """Whether a point is on the border and not where that is about to turn."""
    x, y = point[0] - rect.x, point[1] - rect.y
    corner_x, corner_y = min(6.0, rect.width / 4), min(6.0, rect.height / 4)
    upright = min(abs(x), abs(x - rect.width)) < 0.01 and corner_y <= y <= rect.height - corner_y
    level = min(abs(y), abs(y - rect.height)) < 0.01 and corner_x <= x <= rect.width - corner_x
    return upright or level


def along(segment: Segment, border: Segment, near: float) -> bool:
    """Whether two parallel segments run beside each other, nearer than that."""
    for axis in (0, 1):
        if all(abs(line[0][axis] - line[1][axis]) < 0.01 for line in (segment, border)):
            ends = [sorted((line[0][1 - axis], line[1][1 - axis])) for line in (segment, border)]
            common = min(ends[0][1], ends[1][1]) - max(ends[0][0], ends[1][0])
            return abs(segment[0][axis] - border[0][axis]) < near and common > 4
    return False


def borders(rect: Rect) -> list[Segment]:
    x, y, u, v = rect.x, rect.y, rect.x + rect.width, rect.y + rect.height
    return [((x, y), (u, y)), ((x, v), (u, v)), ((x, y), (x, v)), ((u, y), (u, v))]


def check(plate: Plate) -> None:
    boxes = rects(plate)
    for one, other in combinations([*boxes.values()], 2):
        assert not overlap(one, other)
    panels = [panel.rect for panel in plate.panels]
    for one, other in combinations([*panels, *(rect for rect, _ in plate.boxes)], 2):
        assert not overlap(one, other)
    for panel in plate.panels:
        for rect, _ in panel.boxes:
            assert panel.rect.x <= rect.x and rect.x + rect.width <= panel.rect.x + panel.rect.width + 0.01
            assert panel.rect.y <= rect.y and rect.y + rect.height <= panel.rect.y + panel.rect.height + 0.01
            assert panel.title is None or not overlap(panel.title, rect)
    for route in plate.routes:
        source, target = boxes[route.arrow.source], boxes[route.arrow.target]
        assert at_a_side(route.way[-1], target), route
        assert at_a_side(route.way[0], source) or route.arrow.source[0] == "cell"  # one box, or its border, by level
        for segment in segments(route):
            (x, y), (u, v) = segment
            assert min(abs(x - u), abs(y - v)) < 0.01
            assert min(x, u) >= 0 and max(x, u) <= plate.width and min(y, v) >= 0 and max(y, v) <= plate.height
            for key, rect in boxes.items():
                assert key == route.arrow.source or not meets(segment, rect), (route, key)
            for rect in panels:
                assert not any(along(segment, border, 3.0) for border in borders(rect)), (route, rect)


def lines_apart(plate: Plate) -> None:
    """No two lines of different sources lie upon each other."""
    for one, other in combinations(plate.routes, 2):
        if one.arrow.source != other.arrow.source:
            for segment in segments(one):
                assert not any(along(segment, another, 2.0) for another in segments(other)), (one, other)


@settings(deadline=None)
@given(genotypes(), AXES, st.sampled_from(["steps", "cells"]), st.sampled_from(["show", "hide"]))
def test_any_picture_is_laid_out_without_collisions(genotype, axes, level, unused):
    check(plate_of(scene_of(genotype, level, unused), axes))


@settings(deadline=None, max_examples=examples(40))
@given(genotypes(), genotypes(), AXES)
def test_so_is_any_comparison(a, b, axes):
    check(plate_of(scene_of_two(a, b, "show"), axes))


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("axes", [Axes(), Axes(portrait=True)], ids=["landscape", "portrait"])
def test_the_published_are(name, axes):
    plate = plate_of(scene_of(load(name), "steps", "fold"), axes)
    check(plate)
    lines_apart(plate)


def several(count: int) -> Genotype:
    """Networks of that many modalities: each cell fuses one more, and the last features go to the output too."""
    letters = "ABCDEF"[:count]
    features = [{"name": f"{m}_{i}", "modality": m, "channels": 4} for m in letters for i in (1, 2, 3)]
    step = {"op": "Sum", "inputs": ["x", "y"]}
    cells = [{"inputs": ["A_3", "B_2"], "steps": [step]}]
    cells += [{"inputs": [f"Cell_{i}", f"{m}_2"], "steps": [step]} for i, m in enumerate(letters[2:], 1)]
    output = [*(f"{m}_3" for m in letters), *(f"Cell_{i}" for i in range(1, count))]
    return from_dict({**SHORT, "features": features, "cells": cells, "output": output, "head": {"outputs": 3}})


@pytest.mark.parametrize("count", range(2, 7))
def test_several_modalities_are(count):
    for join in ("sum", "concat"):
        scene = scene_of(several(count).replace(join=join), "steps", "fold")
        for axes in (Axes(), Axes(portrait=True)):
            plate = plate_of(scene, axes)
            check(plate)
            lines_apart(plate)


@pytest.mark.parametrize("name", PUBLISHED)
def test_cells_of_one_depth_begin_and_end_in_line(name):
    plate = plate_of(scene_of(load(name), "steps", "fold"), Axes())
    cells = [panel.rect for panel in plate.panels if panel.of.title.startswith("Cell")]
    for one, other in combinations(cells, 2):
        beside = one.x < other.x + other.width and other.x < one.x + one.width
        assert not beside or (one.x == pytest.approx(other.x) and one.width == pytest.approx(other.width))


def test_no_arrow_leaves_the_rows_of_boxes():
    """Of ntu-4 and mmimdb-1, arcs once passed above everything."""
    for name in PUBLISHED:
        plate = plate_of(scene_of(load(name), "steps", "fold"), Axes())
        tops = [panel.rect.y for panel in plate.panels]
        ends = [panel.rect.y + panel.rect.height for panel in plate.panels]
        for route in plate.routes:
            assert all(min(tops) <= y <= max(ends) for _, y in route.way)


def test_two_orders_of_cells_that_contradict_each_other_are_drawn():
    """What is first in one network and last in the other makes circles in the picture of both."""
    feature = [{"name": name, "modality": name, "channels": 4} for name in "AB"]
    one, other = (
        from_dict(
            {
                **SHORT,
                "features": feature,
                "cells": [
                    {"name": a, "inputs": ["A", "B"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]},
                    {"name": b, "inputs": [a, "B"], "steps": [{"op": "Mul", "inputs": ["x", "y"]}]},
                ],
            }
        )
        for a, b in ("PQ", "QP")
    )
    for axes in (Axes(), Axes(portrait=True)):
        check(plate_of(scene_of_two(one, other, "show"), axes))


def scene(name: str) -> Scene:
    return scene_of(load(name), "steps", "fold")


def test_a_layout_is_the_same_every_time():
    assert plate_of(scene("ntu-4"), Axes()) == plate_of(scene("ntu-4"), Axes())


NUMBERS = st.integers(-40, 40).map(float)
THINGS = st.lists(
    st.builds(
        Placed,
        st.integers(0, 9).map(float),
        st.lists(st.tuples(NUMBERS, st.sampled_from([1.0, 2.0])), max_size=3).map(tuple),
        st.integers(0, 5).map(float),
    ),
    min_size=1,
    max_size=4,
)


@given(THINGS, st.booleans())
def test_a_stack_keeps_its_order_and_its_distances(things, late):
    begins = stacked(things, late)
    for number in range(1, len(things)):
        end = begins[number - 1] + things[number - 1].extent
        assert begins[number] >= end + things[number].before - 1e-9


@settings(deadline=None, max_examples=examples(40))
@given(THINGS.filter(lambda things: all(thing.wishes for thing in things)), st.booleans())
def test_a_stack_is_as_near_to_the_wishes_as_can_be(things, late):
    """Compared with all that stand at whole numbers, among which is a best one."""

    def error(begins: list[float]) -> float:
        return sum(w * abs(b - x) for t, b in zip(things, begins, strict=True) for x, w in t.wishes)

    offsets = [0.0]
    for before, thing in pairwise(things):
        offsets.append(offsets[-1] + before.extent + thing.before)
    places = sorted({wish - o for t, o in zip(things, offsets, strict=True) for wish, _ in t.wishes})
    best = dict.fromkeys(places, 0.0)
    for thing, offset in zip(things, offsets, strict=True):
        own = {p: sum(w * abs(p + offset - x) for x, w in thing.wishes) for p in places}
        best = {p: own[p] + min(best[q] for q in places if q <= p) for p in places}
    assert error(stacked(things, late)) == pytest.approx(min(best.values()))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5, unique_by=(lambda w: w[0], lambda w: w[1])))
@example([(0.0, 1.0), (1.0, 0.0)])
def test_tracks_keep_wires_apart(ends):
    # No place of the left is so near to one of the right that wires at them would look like one.
    crossings = [Crossing((8 * a,), (8 * b + 4,)) for a, b in ends]
    found, count, cost = tracks(crossings)
    for one, other in combinations(range(len(ends)), 2):
        a, b = crossings[one], crossings[other]
        if found[one] == found[other] and not a.straight and not b.straight:
            assert a.high < b.low or b.high < a.low
    assert cost < UPON
    assert count == 1 + max((track for track in found if track is not None), default=-1)


def test_of_two_wires_the_order_with_fewer_crossings_is_taken():
    assert tracks([Crossing((0.0,), (50.0,)), Crossing((30.0,), (90.0,))])[0] == [1, 0]
    assert tracks([Crossing((0.0,), (50.0,)), Crossing((30.0,), (90.0,))])[2] == 0


def test_a_wire_that_passes_an_item_has_a_lane_beside_it():
    items = [
        [Item(("a",), 10, 20, (), ((("a",), 10.0),))],
        [Item(("b",), 10, 40, (20.0,))],
        [Item(("c",), 10, 20, (10.0,))],
    ]
    wires = [Wire(("a",), ("b",)), Wire(("a",), ("c",))]
    found = Arranger(items, wires, Spacing(items=10.0)).arrangement(along=200)
    assert found.along == pytest.approx(200)
    (_, top), way = found.items[("b",)], found.ways[wires[1]]
    begin = found.items[("b",)][0]
    heights = [max(p[1], q[1]) for p, q in pairwise(way) if p[0] <= begin and q[0] >= begin + 10]
    assert all(y <= top - 9 or y >= top + 49 for y in heights) and heights


def test_circles_do_not_keep_things_from_having_a_depth():
    nodes = [(name,) for name in "abc"]
    assert depths(nodes, [(("a",), ("b",)), (("b",), ("c",))]) == {("a",): 0, ("b",): 1, ("c",): 2}
    assert set(depths(nodes, [(("a",), ("b",)), (("b",), ("a",)), (("c",), ("c",))])) == set(nodes)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=6))
def test_a_rounded_way_begins_and_ends_where_it_should(moves):
    way = [(0.0, 0.0)]
    for number, (forward, length) in enumerate(moves):
        step = length if forward else -length
        x, y = way[-1]
        way.append((x + step, y) if number % 2 else (x, y + step))
    curve = rounded(way)
    assert curve[0] == way[0] and curve[-1] == way[-1]
    assert len(curve) % 3 == 1
