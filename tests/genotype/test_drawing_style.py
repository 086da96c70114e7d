"""The colours of drawings: text can be read, and no meaning hangs on a colour alone."""

from __future__ import annotations

import re
from itertools import combinations
from math import dist

import pytest

from bmnas.errors import BmnasError
from bmnas.genotype import from_dict
from bmnas.genotype.drawing import to_dot
from bmnas.genotype.drawing.dot import _outline
from bmnas.genotype.drawing.heading import signed
from bmnas.genotype.drawing.style import DASH, SIGN, THEMES, WEIGHT, Theme
from tests.genotype.test_schema import SHORT


def luminance(color: str) -> float:
    """Relative luminance of sRGB, as WCAG 2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_that_of_wcag():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_stands_out_from_every_ground_it_is_written_on(theme: Theme):
    for mark, paint in theme.paints.items():
        own = [*theme.grounds.values(), *theme.tints.values()]
        grounds = {theme.background, *([paint.ground] if paint.ground else own)}
        if mark == "plain":
            grounds |= {theme.column, *theme.columns}
        for ground in grounds:
            assert contrast(paint.text, ground) >= 4.5, (mark, ground)
            assert contrast(paint.small, ground) >= 4.5, (mark, ground)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_lines_stand_out_from_the_background(theme: Theme):
    for line in (*theme.hues, *(paint.line for paint in theme.paints.values())):
        assert contrast(line, theme.background) >= 3


def test_marks_differ_in_more_than_colour():
    """Of a comparison: added, removed, changed and kept; the sign of what is changed stands at each of its lines."""
    manners = {mark: (DASH.get(mark), WEIGHT.get(mark), SIGN.get(mark)) for mark in ("added", "removed", "kept")}
    for one, other in combinations(manners.values(), 2):
        assert one != other
    assert DASH["unused"] == "dashed"
    assert (signed("added"), signed("removed"), signed("kept")) == ("<b>+</b> ", "<b>−</b> ", "")
    assert _outline("removed", 1.0) != _outline("added", 1.0)


# How people without one kind of cones see linear RGB, at full severity (Machado, Oliveira and Fernandes 2009).
VISIONS = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}


def seen(color: str, vision: str) -> tuple[float, ...]:
    """A colour as CIE L*a*b*, through one kind of eyes."""
    linear = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in linear]
    r, g, b = (min(1.0, max(0.0, sum(w * c for w, c in zip(row, linear, strict=True)))) for row in VISIONS[vision])
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("vision", VISIONS)
def test_modalities_can_be_told_apart_by_all_eyes(theme: Theme, vision):
    """Differences of 10 and more in CIE76 are seen at a glance; six modalities, and what is mixed."""
    lines = [*theme.hues, theme.paints["plain"].line]
    for one, other in combinations(lines, 2):
        assert dist(seen(one, vision), seen(other, vision)) >= 15, (one, other)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_added_and_removed_differ_in_lightness(theme: Theme):
    added, removed = theme.paints["added"].line, theme.paints["removed"].line
    assert contrast(added, removed) >= 1.2


@pytest.mark.parametrize("name", THEMES)
def test_a_drawing_has_only_the_colours_of_its_theme(name):
    theme = THEMES[name]
    paints = theme.paints.values()
    known = {theme.background, theme.column, *theme.columns, *theme.hues}
    known |= {*theme.grounds.values(), *theme.tints.values()}
    known |= {color for paint in paints for color in (paint.line, paint.ground, paint.text, paint.small)}
    dot = to_dot(from_dict({**SHORT, "head": {"outputs": 3}}), theme=name)
    assert set(re.findall("#[0-9A-Fa-f]{6}", dot)) <= known
    assert f'bgcolor="{theme.background}"' in dot


def test_an_unknown_theme_is_refused():
    with pytest.raises(BmnasError, match="'drak' is not a theme of drawings; did you mean 'dark'"):
        to_dot(from_dict(SHORT), theme="drak")  # type: ignore[arg-type]
