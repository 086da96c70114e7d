"""Two genotypes on one picture: what is added, removed, changed and kept is told, and is what really differs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings

from bmnas.genotype import from_dict
from bmnas.genotype.diff import diff
from bmnas.genotype.drawing import draw_diff, to_dot_diff
from bmnas.genotype.drawing.comparison import scene_of_two
from bmnas.genotype.drawing.scene import HEAD, Box, Scene
from bmnas.genotype.graph import to_graph
from bmnas.genotype.matching import in_words_of
from tests.genotype.test_drawing import DIALECTS, NAMES, in_dialect, texts
from tests.genotype.test_drawing_picture import cell, many
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import genotypes

NOTHING_DIFFERS = (("kept", "no difference is drawn"),)


def boxes(scene: Scene) -> dict[tuple[str, ...], Box]:
    found = [*scene.ends, *(row for column in scene.columns for row in column.rows)]
    found += [box for frame in scene.frames for box in (*frame.inputs, *frame.boxes)]
    return {box.key: box for box in found}


def compared(**changes: Any) -> Scene:
    return scene_of_two(from_dict(SHORT), from_dict(changed(**changes)), "show")


def marked(scene: Scene) -> dict[tuple[str, ...], str]:
    return {key: box.mark for key, box in boxes(scene).items() if box.mark != "kept"}


@settings(deadline=None)
@given(genotypes(), DIALECTS)
def test_a_genotype_does_not_differ_from_itself(genotype, dialect):
    genotype = in_dialect(genotype, dialect)
    scene = scene_of_two(genotype, genotype, "show")
    assert marked(scene) == {}
    assert {arrow.mark for arrow in scene.arrows} <= {"kept"}
    assert scene.notes == ()
    assert scene.legend == NOTHING_DIFFERS


@settings(deadline=None)
@given(genotypes(), genotypes(), DIALECTS, DIALECTS)
def test_both_can_be_read_off_the_picture(a, b, first, second):
    """What is kept, changed or removed is the first; what is kept, changed or added is the second."""
    pair = in_dialect(a, first), in_dialect(b, second)
    scene = scene_of_two(*pair, "show")
    renamed = in_words_of(pair[1], pair[0])[0], pair[1]
    for genotype, absent in zip(renamed, ("added", "removed"), strict=True):
        graph = to_graph(genotype)
        nodes = {key for key, box in boxes(scene).items() if box.mark != absent} - {HEAD}
        assert nodes == set(graph)
        drawn: Counter[Any] = Counter()
        for arrow in scene.arrows:
            if arrow.mark != absent and arrow.target != HEAD and arrow.kind != "residual":
                drawn[arrow.source, arrow.target] += arrow.count
        assert drawn == +Counter({(s, t): len(edge["positions"]) for s, t, edge in graph.edges(data=True)})
        residual = [a.target[1] for a in scene.arrows if a.kind == "residual" and a.mark != absent]
        cells = [cell.name for cell in genotype.cells if genotype.dialect == "official"]
        assert sorted(residual) == sorted(cells)
    assert all(arrow.count > 0 for arrow in scene.arrows)
    differs = any(box.mark != "kept" for box in boxes(scene).values())
    assert (scene.legend == NOTHING_DIFFERS) <= (not differs)


def test_an_operation_that_changes_shows_both():
    scene = compared(cells__0__steps__0__op="LinearGLU")
    assert marked(scene) == {("step", "Cell_1", "Step_1"): "changed"}
    lines = boxes(scene)["step", "Cell_1", "Step_1"].lines
    assert [(line.text, line.mark) for line in lines] == [
        ("Step_1", None), ("Attention", "removed"), ("(x, y)", None), ("LinearGLU", "added"), ("(x, y)", None),
    ]  # fmt: skip
    assert {arrow.mark for arrow in scene.arrows} == {"kept"}


def test_the_order_of_inputs_is_a_change_where_it_matters():
    assert marked(compared(cells__0__steps__1__inputs=["x", "Step_1"])) == {}  # Sum
    swapped = compared(cells__0__steps__0__inputs=["y", "x"])  # Attention
    assert marked(swapped) == {("step", "Cell_1", "Step_1"): "changed"}


def test_both_versions_show_their_inputs_where_one_tells_them_apart():
    box = boxes(compared(cells__0__steps__0__op="Mul"))["step", "Cell_1", "Step_1"]
    assert [(line.text, line.mark) for line in box.lines] == [
        ("Step_1", None), ("Attention", "removed"), ("(x, y)", None), ("Mul", "added"), ("(x, y)", None),
    ]  # fmt: skip


def test_both_versions_show_their_inputs_where_these_differ():
    step = ("step", "Cell_1", "Step_2")
    only_inputs = boxes(compared(cells__0__steps__1__inputs=["x", "y"]))[step]
    assert only_inputs.mark == "changed"
    assert [line.text for line in only_inputs.lines] == ["Step_2", "Sum", "(Step_1, x)", "Sum", "(x, y)"]
    only_operation = boxes(compared(cells__0__steps__1__op="Mul"))[step]
    assert [line.text for line in only_operation.lines] == ["Step_2", "Sum", "Mul"]


@settings(deadline=None)
@given(genotypes(), genotypes(), DIALECTS, DIALECTS)
def test_no_text_of_the_drawing_begins_with_a_sign(a, b, first, second):
    """A sign at the beginning of a line means that it is added or removed, so no line has one of its own."""
    scene = scene_of_two(in_dialect(a, first), in_dialect(b, second), "fold")
    lines = [line.text for box in boxes(scene).values() if box.kind in ("step", "cell", "output") for line in box.lines]
    assert not [text for text in lines if text[0] in "+−"]


def test_an_option_that_changes_is_a_change():
    steps = [{"op": "MultiHeadAttention", "inputs": ["x", "y"], "heads": heads} for heads in (2, 4)]
    a, b = (from_dict(changed(cells__0__steps__0=step)) for step in steps)
    texts_of = [line.text for line in boxes(scene_of_two(a, b, "show"))["step", "Cell_1", "Step_1"].lines]
    assert "heads 2" in texts_of and "heads 4" in texts_of


def test_what_is_added_and_removed():
    scene = compared(cells__1={"name": "New", "inputs": ["Cell_1", "Video_3"], "steps": [], "output": ["x", "y"]})
    assert marked(scene) == {
        **{("input", "New", name): "added" for name in "xy"}, ("cell", "New"): "added",
        **{("input", "Cell_2", name): "removed" for name in "xy"},
        ("step", "Cell_2", "Step_1"): "removed", ("cell", "Cell_2"): "removed",
    }  # fmt: skip
    assert [(frame.title, frame.mark) for frame in scene.frames] == [
        ("Cell_1", "kept"),
        ("New", "added"),
        ("Cell_2", "removed"),
    ]


def test_features_head_and_settings():
    scene = compared(features__0__channels=64, head={"outputs": 3}, dropout=0.5, dialect="paper")
    assert [(line.text, line.mark) for line in boxes(scene)["feature", "Video_3"].lines] == [
        ("Video_3", "changed"), ("channels 2048", "removed"), ("channels 64", "added"),
    ]  # fmt: skip
    assert boxes(scene)[HEAD].mark == "added"
    assert scene.notes == ("dialect official → paper", "dropout 0.2 → 0.5")
    assert [line.text for line in boxes(scene)["cell", "Cell_2"].lines] == ["add x, layer norm", "= Step_1"]


def test_many_features_that_nothing_reads_become_one_row():
    a, b = (from_dict(many(10, [cell("A_3", read)])) for read in ("A_7", "A_8"))
    rows = {way: [[box.lines[0].text for box in column.rows] for column in scene_of_two(a, b, way).columns]
            for way in ("fold", "hide")}  # fmt: skip
    assert rows == {"fold": [["A_3", "A_7", "A_8", "7 more unused"], ["10 unused"]], "hide": [["A_3", "A_7", "A_8"]]}


def test_an_input_that_reads_something_else_shows_both():
    scene = compared(cells__1__inputs=["Cell_1", "Skeleton_4"])
    assert marked(scene) == {("input", "Cell_2", "y"): "changed"}
    lines = boxes(scene)["input", "Cell_2", "y"].lines
    assert [(line.text, line.mark) for line in lines] == [("y", None), ("Video_3", "removed"), ("Skeleton_4", "added")]


def test_the_legend_names_both_and_the_picture_is_drawn(tmp_path):
    a, b = from_dict(changed(name="<one>")), from_dict(changed(name="other\\N", cells__0__steps__0__op="Sum"))
    draw_diff(a, b, tmp_path / "g.svg", theme="dark")
    found = texts((tmp_path / "g.svg").read_bytes())
    assert {"<one> → other\\N", "only in <one>", "only in other\\N", "the same in both", "Attention"} <= {
        text.strip() for text in found
    }
    assert {"+", "−"} <= {text.strip() for text in found}
    dot = to_dot_diff(a, b)
    assert "dashed" in dot and to_dot_diff(a, b, theme="dark") != dot


def test_two_of_one_name_are_the_first_and_the_second():
    words = [meaning for _, meaning in compared(dropout=0.5).legend]
    assert words[:2] == ["only in the first", "only in the second"]


def test_sizes_that_both_have_stand_behind_the_title():
    assert compared(dropout=0.5).aside == "16 x 4, official dialect"
    assert compared(dialect="paper").aside == ""  # a note tells it


@settings(deadline=None, max_examples=examples(25))
@given(genotypes(NAMES))
def test_any_names_become_well_formed_svg(tmp_path_factory, genotype):
    path = tmp_path_factory.mktemp("svg") / "g.svg"
    draw_diff(genotype, from_dict(SHORT), path)
    found = texts(path.read_bytes())
    assert {feature.name for feature in genotype.features} <= {text.removeprefix(" ") for text in found} | set(found)


def test_what_was_only_renamed_is_not_drawn_as_removed_and_added():
    """Words and picture come from one matching."""
    renamed = changed(cells__1__name="Merge", cells__0__steps__0__name="First")
    renamed["cells"][0]["steps"][1]["inputs"] = [
        "First" if name == "Step_1" else name for name in SHORT["cells"][0]["steps"][1]["inputs"]
    ]
    renamed["output"] = ["Merge" if name == "Cell_2" else name for name in from_dict(SHORT).output]
    a, b = from_dict(SHORT), from_dict(renamed)
    scene = scene_of_two(a, b, "show")
    assert {arrow.mark for arrow in scene.arrows} == {"kept"}
    assert marked(scene) == {("step", "Cell_1", "First"): "changed"}
    assert {frame.title: frame.mark for frame in scene.frames} == {"Cell_1": "kept", "Cell_2 → Merge": "changed"}
    assert [difference.words for difference in diff(a, b, ("a", "b"))] == [
        "(Cell_1 / Step_1) is called 'First' in b",
        "(Cell_2) is called 'Merge' in b",
    ]
