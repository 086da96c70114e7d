"""The colours of drawings: text can be read, and no meaning hangs on a colour alone."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from bmnas.errors import BmnasError
from bmnas.genotype import from_dict
from bmnas.genotype.drawing import to_dot
from bmnas.genotype.drawing.heading import outline, signed
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
        grounds = {theme.background, *([paint.ground] if paint.ground else theme.grounds.values())}
        if mark == "plain":
            grounds.add(theme.column)
        for ground in grounds:
            assert contrast(paint.text, ground) >= 4.5, (mark, ground)
            assert contrast(paint.small, ground) >= 4.5, (mark, ground)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_lines_stand_out_from_the_background(theme: Theme):
    for line in (theme.upper, *(paint.line for paint in theme.paints.values())):
        assert contrast(line, theme.background) >= 3


def test_marks_differ_in_more_than_colour():
    """Of a comparison: added, removed, changed and kept; the sign of what is changed stands at each of its lines."""
    manners = {mark: (DASH.get(mark), WEIGHT.get(mark), SIGN.get(mark)) for mark in ("added", "removed", "kept")}
    for one, other in combinations(manners.values(), 2):
        assert one != other
    assert DASH["unused"] == "dashed"
    assert (signed("added"), signed("removed"), signed("kept")) == ("<b>+</b> ", "<b>−</b> ", "")
    assert outline("removed") != outline("added")


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_added_and_removed_differ_in_lightness(theme: Theme):
    added, removed = theme.paints["added"].line, theme.paints["removed"].line
    assert contrast(added, removed) >= 1.2


@pytest.mark.parametrize("name", THEMES)
def test_a_drawing_has_only_the_colours_of_its_theme(name):
    theme = THEMES[name]
    paints = theme.paints.values()
    known = {theme.background, theme.upper, theme.column, *theme.grounds.values()}
    known |= {color for paint in paints for color in (paint.line, paint.ground, paint.text, paint.small)}
    dot = to_dot(from_dict({**SHORT, "head": {"outputs": 3}}), theme=name)
    assert set(re.findall("#[0-9A-Fa-f]{6}", dot)) <= known
    assert f'bgcolor="{theme.background}"' in dot


def test_an_unknown_theme_is_refused():
    with pytest.raises(BmnasError, match="'drak' is not a theme of drawings; did you mean 'dark'"):
        to_dot(from_dict(SHORT), theme="drak")  # type: ignore[arg-type]
