"""Genotypes in words, and in notebooks."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from bmnas.errors import BmnasError
from bmnas.genotype import from_dict, presets, published
from bmnas.genotype.telling import in_words
from tests.genotype.test_lint import one_cell
from tests.genotype.test_schema import SHORT, changed


def test_cells_and_what_becomes_of_the_output():
    assert in_words(published.load("mmimdb-1")) == (
        "Cell_1 fuses Image_3 (x) and Text_1 (y) by ConcatFC(y, x) and y itself. "
        "Cell_2 fuses Text_1 (x) and Cell_1 (y) by LinearGLU(y, x) and y itself. One head reads Cell_1 and Cell_2."
    )


def test_what_is_not_used_is_not_told():
    told = in_words(one_cell(("Sum", "x", "x"), ("Sum", "x", "y"), output=["Step_1"]))
    assert told.startswith("Cell_1 reads Video_3 (x) by Sum(x, x).")
    assert "Cell_2" not in in_words(from_dict(changed(output=["Cell_1"])))


def test_heads_and_ensembles():
    genotype = presets.heads(from_dict(SHORT).features, outputs=3, channels=4, length=2)
    assert in_words(genotype) == "Linear heads of Video_3 and Skeleton_4, added up."
    assert in_words(one_cell(("Sum", "x", "y"), head={"outputs": 2}, members=3)).endswith(
        "One head reads Cell_1. The outputs of 3 such networks are averaged."
    )


def test_a_genotype_is_one_line():
    assert (
        repr(published.load("ntu-1"))
        == "<Genotype 'ntu-1': 8 features (Video, Skeleton), 2 cells, 4 steps, 60 outputs>"
    )
    assert str(from_dict(SHORT)).startswith("<Genotype 'genotype': 2 features (Video, Skeleton), 2 cells, 3 steps")


def test_a_notebook_shows_its_picture_in_which_names_are_no_markup():
    name = "<script>alert(1)</script>"
    features = [{**SHORT["features"][0], "name": name}, SHORT["features"][1]]
    svg = from_dict(changed(features=features, cells__0__inputs__0=name, cells__1__inputs__1=name))._repr_svg_()
    assert svg is not None
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    assert not [element for element in root.iter() if element.tag.endswith("script")]


def test_where_nothing_can_be_drawn_the_line_is_shown(monkeypatch):
    def refuse(*_: object, **__: object) -> bytes:
        raise BmnasError("there is no Graphviz")

    monkeypatch.setattr("bmnas.genotype.drawing.rendered", refuse)
    assert from_dict(SHORT)._repr_svg_() is None


@pytest.mark.parametrize("count", [400])
def test_too_much_to_draw_in_a_moment_is_not_drawn(count):
    steps = [{"op": "Sum", "inputs": ["x", "y"]}] * 200
    cells = [{"inputs": ["Video_3", "Skeleton_4"], "steps": steps}] * (count // 200)
    assert from_dict(changed(cells=cells))._repr_svg_() is None
