"""What of a genotype is drawn: levels, both dialects, unused parts, several side by side, and in which order."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pygraphviz
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from bmnas.errors import BmnasError
from bmnas.genotype import from_dict, load
from bmnas.genotype.drawing import draw, draw_diff, to_dot
from bmnas.genotype.drawing.axes import Axes
from bmnas.genotype.drawing.labels import wrapped
from bmnas.genotype.drawing.picture import scene_of
from bmnas.genotype.drawing.plate import plate_of
from bmnas.genotype.drawing.scene import HEAD
from bmnas.genotype.drawing.sheet import sheet_of
from bmnas.genotype.drawing.style import THEMES
from bmnas.genotype.graph import OUTPUT, to_graph, used_nodes
from tests.genotype.test_drawing import DIALECTS, in_dialect, shown, svg_of, texts
from tests.genotype.test_schema import SHORT, changed
from tests.strategies import genotypes

SVG = "{http://www.w3.org/2000/svg}"


def many(features: int, cells: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A genotype with that many features of each of two modalities."""
    named = [{"name": f"{m}_{i}", "modality": m, "channels": 4} for m in "AB" for i in range(1, features + 1)]
    return {**SHORT, "features": named, "cells": cells, **more}


def cell(*inputs: str) -> dict[str, Any]:
    return {"inputs": list(inputs), "steps": [{"op": "Sum", "inputs": ["x", "y"]}]}


def heights(svg: bytes) -> dict[str, float]:
    """How far from the top the text of each box and panel begins, by what it is in words."""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        title, text = group.find(f"{SVG}title"), group.find(f"{SVG}text")
        if title is not None and text is not None:
            found["".join(title.itertext())] = float(text.attrib["y"])
    return found


@settings(deadline=None)
@given(genotypes(), DIALECTS)
def test_the_upper_level_alone_has_no_steps_and_all_else(genotype, dialect):
    genotype = in_dialect(genotype, dialect)
    scene = scene_of(genotype, "cells", "show")
    upper = [(s, t) for s, t, edge in to_graph(genotype).edges(data=True) if edge["level"] == "upper"]
    drawn = [(arrow.source, arrow.target) for arrow in scene.arrows if arrow.source != OUTPUT]
    assert {arrow.kind for arrow in scene.arrows} <= {"upper"}
    to_head = {OUTPUT: HEAD} if OUTPUT not in {box.key for box in scene.ends} else {}
    assert Counter(drawn) == Counter((s, to_head.get(t, t)) for s, t in upper)
    assert [frame.title for frame in scene.frames] == [each.name for each in genotype.cells]
    assert all(not frame.boxes and frame.inputs for frame in scene.frames)
    dot = pygraphviz.AGraph(string=to_dot(genotype, level="cells"))
    kinds = Counter(node.attr["class"] for node in dot.nodes())
    assert kinds["name"] == len(genotype.cells) and kinds["step"] == kinds["cell"] == 0


@settings(deadline=None)
@given(genotypes(), DIALECTS)
def test_hide_leaves_out_what_reaches_no_output_and_nothing_else(genotype, dialect):
    genotype = in_dialect(genotype, dialect)
    used = used_nodes(genotype)
    for level in ("steps", "cells"):
        whole, scene = scene_of(genotype, level, "show"), scene_of(genotype, level, "hide")
        keys = {box.key for column in whole.columns for box in column.rows}
        keys |= {box.key for frame in whole.frames for box in (*frame.inputs, *frame.boxes)}
        shown_keys = {box.key for column in scene.columns for box in column.rows}
        shown_keys |= {box.key for frame in scene.frames for box in (*frame.inputs, *frame.boxes)}
        assert shown_keys == keys & used
        assert {arrow.mark for arrow in scene.arrows} <= {"plain"}
        assert [arrow for arrow in whole.arrows if arrow.mark == "plain"] == list(scene.arrows)


def test_many_unused_features_become_one_row():
    genotype = from_dict(many(10, [cell("A_3", "A_7"), cell("B_2", "A_1")], output=["Cell_1"]))
    rows = [[box.lines[0].text for box in column.rows] for column in scene_of(genotype, "steps", "fold").columns]
    assert rows == [["A_1", "A_3", "A_7", "7 more unused"], ["B_2", "9 more unused"]]
    alone = from_dict(many(10, [cell("A_3", "A_7")]))
    rows = [[box.lines[0].text for box in column.rows] for column in scene_of(alone, "steps", "fold").columns]
    assert rows[1] == ["10 unused"]
    assert scene_of(alone, "steps", "show").columns[1].rows[9].lines[0].text == "B_10"


def test_few_unused_features_are_all_shown():
    genotype = from_dict(many(6, [cell("A_3", "A_5")]))
    assert scene_of(genotype, "steps", "fold") == scene_of(genotype, "steps", "show")


def test_what_computes_nothing_is_not_drawn_in_the_paper_dialect(tmp_path):
    data = {**SHORT, "cells": [cell("Video_3", "Skeleton_4")], "head": {"outputs": 7}, "dialect": "paper"}
    found = texts(svg_of(from_dict(data), tmp_path))
    assert {"Step_1", "Sum", "Linear → 7"} <= set(found)
    assert not {"Output", "Concat", "Concat + FC", "add x, layer norm"} & set(found)
    official = texts(svg_of(from_dict({**data, "dialect": "official"}), tmp_path))
    assert Counter(official) - Counter(found) == Counter(
        ["add x, layer norm", "Output", "layer norm, ReLU", "   16 x 4, official dialect"]
    )


def test_a_cell_without_steps_is_drawn(tmp_path):
    data = {**SHORT, "cells": [{"inputs": ["Video_3", "Skeleton_4"], "steps": [], "output": ["x", "y"]}]}
    assert {"Cell_1", "x", "y", "Concat + FC"} <= set(texts(svg_of(from_dict(data), tmp_path)))


def test_options_are_shown_below_the_operation(tmp_path):
    step = {"op": "MultiHeadAttention", "inputs": ["x", "y"], "heads": 4}
    found = texts(svg_of(from_dict(changed(cells__0__steps__0=step)), tmp_path))
    at = found.index("MultiHeadAttention")
    assert found[at - 1 : at + 3] == ["Step_1", "MultiHeadAttention", "heads 4", "(x, y)"]


@pytest.mark.parametrize("level", ["steps", "cells"])
def test_cells_that_read_features_stand_in_their_order(level, tmp_path):
    """The first are those of ntu-1; in the second genotype another order would cross fewer edges."""
    modalities = [{"name": f"{m}_{i}", "modality": m, "channels": 4} for m in "ABCD" for i in (1, 2)]
    crossing = [
        {
            **cell("C_2", "C_1"),
            "steps": [{"op": "LinearGLU", "inputs": ["x", "y"]}, {"op": "Sum", "inputs": ["x", "Step_1"]}],
        },
        {
            **cell("A_2", "B_2"),
            "steps": [{"op": "Sum", "inputs": ["x", "y"]}, {"op": "Sum", "inputs": ["y", "Step_1"]}],
        },
    ]
    as_in_ntu_1 = many(4, [cell("A_3", "B_4"), cell("A_3", "A_4")])
    for data in (as_in_ntu_1, {**SHORT, "features": modalities, "cells": crossing}):
        draw(from_dict({**data, "head": {"outputs": 10}}), tmp_path / "g.svg", level=level)
        height = heights((tmp_path / "g.svg").read_bytes())
        assert height["Cell_1"] < height["Cell_2"]


@pytest.mark.parametrize("inputs", [("A_1", "Cell_1"), ("B_2", "A_1"), ("C_1", "B_1", "A_1"), ("Cell_1", "A_1", "B_1")])
def test_inputs_stand_in_their_order_whatever_they_are(inputs, tmp_path):
    """In all of them another order would cross fewer edges, or as few."""
    features = [{"name": f"{m}_{i}", "modality": m, "channels": 4} for m in "ABC" for i in (1, 2)]
    data = {**SHORT, "features": features, "cells": [cell("C_2", "A_2"), {**cell(*inputs), "name": "Last"}]}
    svg = svg_of(from_dict(data), tmp_path)
    height = {name: place for name, place in heights(svg).items() if name[1:5] == " of "}
    expected = [f"{letter} of Last: {name}" for letter, name in zip("xyz", inputs, strict=False)]
    assert sorted((name for name in height if " of Last: " in name), key=lambda name: height[name]) == expected


def test_sizes_and_dialect_stand_behind_the_title(tmp_path):
    genotype = from_dict(changed(dialect="paper"))
    assert {"genotype", "   16 x 4, paper dialect"} <= set(texts(svg_of(genotype, tmp_path)))
    draw([genotype, genotype], tmp_path / "two.svg")
    assert texts((tmp_path / "two.svg").read_bytes()).count("   16 x 4, paper dialect") == 2


@pytest.mark.parametrize(
    ("heading", "seen"), [("full", {"net", "16 x 4, official dialect"}), ("title", {"net"}), ("none", set())]
)
def test_the_heading_can_be_left_out(heading, seen, tmp_path):
    draw(from_dict(changed(name="net")), tmp_path / "g.svg", heading=heading)
    found = {text.strip() for text in texts((tmp_path / "g.svg").read_bytes())}
    assert {"net", "16 x 4, official dialect"} & found == seen
    draw_diff(from_dict(SHORT), from_dict(changed(dropout=0.5)), tmp_path / "d.svg", heading=heading)
    told = "only in the first" in [text.strip() for text in texts((tmp_path / "d.svg").read_bytes())]
    assert told == (heading != "none")


def place_of(svg: bytes, names: list[str]) -> dict[str, tuple[float, float]]:
    found = ElementTree.fromstring(svg).iter(f"{SVG}text")
    return {e.text: (float(e.attrib["x"]), float(e.attrib["y"])) for e in found if e.text in names}


def test_several_are_drawn_side_by_side_with_their_titles(tmp_path):
    names = ["first", "second", "third", "fourth", "fifth"]
    draw([from_dict(changed(name=name)) for name in names], tmp_path / "g.svg")
    place = place_of((tmp_path / "g.svg").read_bytes(), names)
    x, y = ({name: place[name][axis] for name in names} for axis in (0, 1))
    assert x["first"] < x["second"] < x["third"] and x["fourth"] < x["fifth"]
    assert y["first"] == y["second"] == y["third"] < y["fourth"] == y["fifth"]
    # Graphviz puts a title into a box that is as wide as the machine's fonts make it: two points are no other column.
    assert x["first"] == pytest.approx(x["fourth"], abs=2) and x["second"] == pytest.approx(x["fifth"], abs=2)
    assert texts((tmp_path / "g.svg").read_bytes()).count("Video_3") == 5 + 10  # features, and inputs that read it


def test_side_by_side_each_is_laid_out_as_it_is_alone():
    one, other = load("ntu-1"), load("ego-4")
    axes = Axes()
    parts = sheet_of([scene_of(each, "steps", "fold") for each in (one, other)], THEMES["light"], "full", axes).parts
    assert [part.plate for part in parts] == [plate_of(scene_of(each, "steps", "fold"), axes) for each in (one, other)]
    assert parts[0].plate_y == parts[1].plate_y


def size_of_svg(path: Path) -> tuple[float, float]:
    root = ElementTree.parse(path).getroot()
    return float(root.attrib["width"].removesuffix("pt")), float(root.attrib["height"].removesuffix("pt"))


@pytest.mark.parametrize(
    ("width", "points"), [(240, 240), ("240", 240), ("8.5cm", 240.9), ("3 in", 216), ("800px", 600)]
)
@pytest.mark.filterwarnings("ignore:the smallest text is of")
def test_a_drawing_is_as_wide_as_is_asked_for(width, points, tmp_path):
    draw(load("ntu-1"), tmp_path / "plain.svg")
    draw(load("ntu-1"), tmp_path / "g.svg", width=width)
    wide, high = size_of_svg(tmp_path / "g.svg")
    assert wide == pytest.approx(points, abs=1.5)  # Graphviz says it in whole points
    plain = size_of_svg(tmp_path / "plain.svg")
    assert high == pytest.approx(plain[1] * points / plain[0], abs=1.5)


def test_pixels_of_a_png_are_its_pixels(tmp_path):
    draw(load("ntu-1"), tmp_path / "g.png", width="900px")
    with Image.open(tmp_path / "g.png") as image:
        assert image.width == pytest.approx(900, abs=2)


@pytest.mark.parametrize(
    "width", ["wide", "", "8,5cm", "-3in", "1e3", "nan", "3 ft", "0", "1pt", "9" * 400, float("inf")]
)
def test_what_is_no_width_is_one_sentence(width):
    with pytest.raises(BmnasError, match=r"^width is "):
        to_dot(from_dict(SHORT), width=width)


def test_text_that_becomes_too_small_is_told_with_the_width_that_it_needs(tmp_path):
    with pytest.warns(
        UserWarning, match=r"^the smallest text is of \d\.\d points.*; a width of [\d.]+cm makes it 5$"
    ) as told:
        draw(load("ntu-1"), tmp_path / "g.svg", width="3cm")
    assert told[0].filename == __file__
    needed = str(told[0].message).partition("a width of ")[2].partition(" ")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(load("ntu-1"), tmp_path / "g.svg", width=needed)
        draw(load("ntu-1"), tmp_path / "g.svg")


def test_data_flow_down_in_portrait():
    genotype = load("ntu-1")
    wide, high = (plate_of(scene_of(genotype, "steps", "fold"), Axes(portrait)) for portrait in (False, True))
    assert wide.width > wide.height
    for plate, axis in ((wide, 0), (high, 1)):
        for route in plate.routes:
            if route.arrow.kind == "upper":
                assert route.way[0][axis] < route.way[-1][axis]
    with pytest.raises(BmnasError, match="'portait' is not an orientation of drawings; did you mean 'portrait'"):
        to_dot(genotype, orientation="portait")  # type: ignore[arg-type]


def test_no_genotype_and_an_unknown_level_are_refused():
    with pytest.raises(BmnasError, match="no genotype to draw"):
        to_dot([])
    with pytest.raises(BmnasError, match="'cell' is not a level of drawings; did you mean 'cells'"):
        to_dot(from_dict(SHORT), level="cell")  # type: ignore[arg-type]
    with pytest.raises(BmnasError, match="'hid' is not a way with what is unused of drawings; did you mean 'hide'"):
        to_dot(from_dict(SHORT), unused="hid")  # type: ignore[arg-type]


@given(st.text(max_size=120), st.integers(2, 30))
def test_wrapped_pieces_join_to_the_text(text, width):
    pieces = wrapped(text, width)
    assert "".join(pieces) == text
    assert all(len(piece) <= width for piece in pieces)


def test_a_long_name_is_broken_into_lines_at_good_places():
    name = "resnet50.layer4.2.relu_of_the_video_stream"
    dot = pygraphviz.AGraph(
        string=to_dot(
            from_dict(changed(cells__0__name=name, output=[name, "Cell_2"], cells__1__inputs=[name, "Video_3"]))
        )
    )
    titles = [shown(graph.graph_attr["label"]) for graph in dot.subgraphs() if graph.name and "cluster" in graph.name]
    assert ["resnet50.layer4.2.relu_of_", "the_video_stream"] in titles
    assert wrapped(name, 28) == ["resnet50.layer4.2.relu_of_", "the_video_stream"]


def test_titles_in_the_svg_are_words_not_ids(tmp_path):
    svg = svg_of(
        from_dict(
            changed(
                name='<b>"]; x',
                features__0__name="<script>",
                cells__0__inputs=["<script>", "Skeleton_4"],
                cells__1__inputs=["Cell_1", "<script>"],
            )
        ),
        tmp_path,
    )
    assert "xlink:title" not in svg.decode()
    titles = ["".join(title.itertext()) for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert '<b>"]; x' in titles
    assert {"Cell_1", "x of Cell_1: <script>", "<script> → x of Cell_1", "Step_1 of Cell_1: Attention (x, y)"} <= set(
        titles
    )
    assert {"y of Cell_1: Skeleton_4", "feature <script> of Video", "x of Cell_1 → Cell_1"} <= set(titles)
    assert not [title for title in titles if title.strip("nme0123456789:->") == ""]
    assert b"<script" not in svg
