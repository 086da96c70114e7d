"""The picture of a genotype: it is complete, names are only ever text in it, and it is written safely."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pygraphviz
import pytest
from hypothesis import example, given, settings, strategies as st

from bmnas.errors import BmnasError
from bmnas.genotype import INPUT_NAMES, Genotype, from_dict
from bmnas.genotype.drawing import draw, draw_diff, to_dot
from bmnas.genotype.drawing.render import _silenced_stderr
from bmnas.genotype.drawing.style import THEMES
from bmnas.genotype.graph import OUTPUT, Node, to_graph, used_nodes
from bmnas.genotype.lookup import find
from tests.genotype.test_schema import SHORT, changed
from tests.strategies import genotypes

HOSTILE = [
    'a"b', "back\\slash\\", "\"]; os.system('x') #", "<b>", "<<b>x</b>>", "&", "&amp;", "&#92;N", "\\N", "\\G", "\\n",
    '\\"', '\\\\"', "{x|y}", "a:b:c", "charset=", 'charset="x"', "node", "%s{}", "n0", "->", ";", "//", "/* x */",
    "# x", " ", "a  b", " a ", "naïve 日本語 🎉", "٣ عربي", "]]>", "<!-- -->", "x", "y",
]  # fmt: skip
NAMES = st.sampled_from(HOSTILE) | st.text(
    st.sampled_from(" \\\"'<>&;#NGLEnlr{}|[]=-/%\u00e9\u65e5") | st.characters(codec="utf-8"), min_size=1, max_size=12
).filter(str.isprintable)


def named(names: list[str]) -> Genotype:
    """A genotype with all of the names, as what each of them can be the name of."""
    cells = [
        {
            "name": "Cell:" + name,
            "inputs": [name, names[0]],
            "steps": [{"name": ":" + name, "op": op, "inputs": ["x", "y"]}],
        }
        for name, op in zip(names, ["Sum", "Attention"] * len(names), strict=False)
    ]
    features = [{"name": name, "modality": "M:" + name, "channels": 1} for name in names]
    return from_dict({**SHORT, "name": names[0], "features": features, "cells": cells[:4]})


def texts(svg: bytes) -> list[str]:
    """The text elements of an SVG, in which Graphviz writes runs of spaces with non-breaking ones."""
    root = ElementTree.fromstring(svg)
    found = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    return [text.replace("\xa0", " ") for text in found]


def svg_of(genotype: Genotype, folder: Path) -> bytes:
    draw(genotype, folder / "g.svg")
    return (folder / "g.svg").read_bytes()


HEAD = ("head",)
DIALECTS = st.sampled_from(["official", "paper"])


def in_dialect(genotype: Genotype, dialect: str) -> Genotype:
    return genotype.model_copy(update={"dialect": dialect})


def nodes_by_id(graph: pygraphviz.AGraph) -> dict[str, Node]:
    """What each node of the DOT graph shows: read from the labels, and from the cell that it is in."""
    found: dict[str, Node] = {}
    panels = {node: panel for panel in graph.subgraphs() for node in panel.nodes()}
    for node in graph.nodes():
        kind, lines = node.attr["class"], lines_of(node.attr["label"])
        cell = "".join(lines_of(panels[node].graph_attr["label"])) if node in panels else ""
        if kind == "feature":
            found[node] = ("feature", lines[0])
        elif kind in ("input", "step"):
            found[node] = (kind, cell, lines[0])
        elif kind == "cell":
            found[node] = ("cell", cell)
        elif kind == "output":
            assert lines[0] in ("Concat", "Output") or lines[0].startswith(("Sum → ", "Linear → "))
            found[node] = HEAD if lines[0].startswith("Linear → ") else OUTPUT
    return found


def lines_of(label: str) -> list[str]:
    """The lines of an HTML-like label, which pygraphviz gives without its outer brackets; broken ones are joined."""
    fonts = ElementTree.fromstring(f"<p>{label}</p>").findall("font")
    return ["".join(font.itertext()).replace("\\\\", "\\") for font in fonts]


def shown(label: str) -> list[str]:
    """All pieces of text of an HTML-like label."""
    return [text.replace("\\\\", "\\") for text in ElementTree.fromstring(f"<p>{label}</p>").itertext()]


def has_head_box(genotype: Genotype) -> bool:
    """Whether a head comes after the output; heads whose results are added are a part of it."""
    return genotype.head is not None and genotype.join == "concat"


def stand_ins(genotype: Genotype) -> dict[Node, Node]:
    """In the paper dialect, what is drawn for the nodes that compute nothing."""
    found: dict[Node, Node] = {}
    if genotype.dialect == "paper":
        if has_head_box(genotype) and len(genotype.output) == 1:
            found[OUTPUT] = HEAD
        for cell in genotype.cells:
            if len(cell.output) == 1:
                kind = "input" if cell.output[0] in INPUT_NAMES[: len(cell.inputs)] else "step"
                found["cell", cell.name] = (kind, cell.name, cell.output[0])
    return found


@settings(deadline=None)
@given(genotypes(), DIALECTS)
def test_every_node_and_every_edge_is_in_the_dot_text(genotype, dialect):
    genotype = in_dialect(genotype, dialect)
    drawn = pygraphviz.AGraph(string=to_dot(genotype))
    nodes = nodes_by_id(drawn)
    graph, used, instead = to_graph(genotype), used_nodes(genotype) | {HEAD}, stand_ins(genotype)
    assert Counter(nodes.values()) == Counter([*set(graph) - set(instead), *[HEAD] * has_head_box(genotype)])

    edges: Counter[tuple[Node, Node]] = Counter()
    residual: set[tuple[Node, Node]] = set()
    paints = THEMES["light"].paints
    for edge in drawn.edges():
        ends = nodes[edge[0]], nodes[edge[1]]
        if edge.attr["class"] == "backbone":
            continue
        if edge.attr["class"] == "residual":
            residual.add(ends)
        else:
            edges[ends] += 1
        grey = not set(ends) <= used
        assert edge.attr["style"] == ("dashed" if grey else "solid")
        assert edge.attr["color"] == (paints["unused"].line if grey else color_of(ends[0], genotype))
    reads: Counter[tuple[Node, Node]] = Counter()
    for source, target, data in graph.edges(data=True):
        if instead.get(target) != source:
            reads[instead.get(source, source), instead.get(target, target)] += len(data["positions"])
    if has_head_box(genotype) and OUTPUT not in instead:
        reads[OUTPUT, HEAD] = 1
    assert edges == +reads
    official = [cell.name for cell in genotype.cells if dialect == "official"]
    assert residual == {(("input", name, "x"), ("cell", name)) for name in official}


def color_of(source: Node, genotype: Genotype) -> str:
    """That of its modality for what is a feature, or the input of a cell that reads one."""
    theme = THEMES["light"]
    read = source[1] if source[0] == "feature" else ""
    if source[0] == "input":
        (cell,) = [cell for cell in genotype.cells if cell.name == source[1]]
        read = cell.inputs[INPUT_NAMES.index(source[2])]
    modalities = list(dict.fromkeys(feature.modality for feature in genotype.features))
    hues = {feature.name: theme.hues[modalities.index(feature.modality)] for feature in genotype.features}
    return hues.get(read, theme.paints["plain"].line)


@settings(deadline=None)
@given(genotypes())
def test_features_of_a_backbone_are_joined_in_their_order(genotype):
    drawn = pygraphviz.AGraph(string=to_dot(genotype, unused="show"))
    nodes = nodes_by_id(drawn)
    joined = [(nodes[edge[0]], nodes[edge[1]]) for edge in drawn.edges() if edge.attr["class"] == "backbone"]
    expected = []
    for modality in {feature.modality for feature in genotype.features}:
        names = [feature.name for feature in genotype.features if feature.modality == modality]
        expected += [(("feature", one), ("feature", other)) for one, other in pairwise(names)]
    assert Counter(joined) == Counter(expected)


@settings(deadline=None)
@given(genotypes(), DIALECTS)
def test_the_order_of_inputs_is_shown_where_it_matters(genotype, dialect):
    genotype = in_dialect(genotype, dialect)
    drawn = pygraphviz.AGraph(string=to_dot(genotype))
    lines = {node: shown(drawn.get_node(name).attr["label"]) for name, node in nodes_by_id(drawn).items()}
    for cell in genotype.cells:
        for step in cell.steps:
            options = [f"{name} {value}" for name, value in step.options.items()]
            brackets = [] if find(step.op).commutative else [f"({', '.join(step.inputs)})"]
            expected = "".join([step.name, step.op, *options, *brackets])
            assert "".join(lines["step", cell.name, step.name]) == expected  # long lines are broken


@settings(deadline=None)
@given(genotypes(), DIALECTS)
def test_inputs_say_what_they_read(genotype, dialect):
    drawn = pygraphviz.AGraph(string=to_dot(in_dialect(genotype, dialect)))
    found = {node: lines_of(drawn.get_node(name).attr["label"]) for name, node in nodes_by_id(drawn).items()}
    for cell in genotype.cells:
        for name, read in zip(INPUT_NAMES, cell.inputs, strict=False):
            assert found["input", cell.name, name] == [name, read]


def test_the_head_is_drawn():
    assert "Linear → 60" in to_dot(from_dict(changed(head={"outputs": 60})))
    assert "Linear" not in to_dot(from_dict(changed(cells__1=...)))


def test_a_genotype_without_cells_is_drawn(tmp_path):
    svg = svg_of(from_dict(changed(cells=[], output=["Skeleton_4"])), tmp_path)
    assert Counter(texts(svg)) == Counter(
        [
            "genotype",
            "   16 x 4, official dialect",
            "Video",
            "Video_3",
            "Skeleton",
            "Skeleton_4",
            "Output",
            "layer norm, ReLU",
        ]
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_as_it_is(name, tmp_path):
    found = texts(svg_of(named([name]), tmp_path))
    for text in (name, "M:" + name, "Cell:" + name, ":" + name):
        assert text in found


@settings(deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=6, unique=True))
@example(HOSTILE)
def test_all_names_are_shown_as_they_are(tmp_path_factory, names):
    found = Counter(texts(svg_of(named(names), tmp_path_factory.mktemp("svg"))))
    assert Counter([*names, *("M:" + name for name in names), *("Cell:" + name for name in names[:4])]) <= found


@settings(deadline=None)
@given(genotypes(NAMES))
def test_any_genotype_becomes_well_formed_svg(tmp_path_factory, genotype):
    found = texts(svg_of(genotype, tmp_path_factory.mktemp("svg")))
    assert {feature.name for feature in genotype.features} | {cell.name for cell in genotype.cells} <= set(found)


def test_a_name_adds_nothing_but_text(tmp_path):
    """No name from a genotype becomes a tag, an attribute or a reference in the picture."""
    plain, hostile = (ElementTree.fromstring(svg_of(named([name]), tmp_path)) for name in ("plain", '<a href="x">"'))
    assert [e.tag for e in plain.iter()] == [e.tag for e in hostile.iter()]
    assert [set(e.attrib) for e in plain.iter()] == [set(e.attrib) for e in hostile.iter()]


def test_features_are_shown_in_order_and_modalities_below_each_other(tmp_path):
    features = [{"name": f"{m}_{i}", "modality": m, "channels": 1} for m in "CAB" for i in (2, 1, 3)]
    cells = [
        {"inputs": [read, "A_2"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]} for read in ("B_3", "B_2", "C_3")
    ]
    root = ElementTree.fromstring(svg_of(from_dict({**SHORT, "features": features, "cells": cells}), tmp_path))
    height: dict[str | None, float] = {}
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        if element.attrib["font-size"] == "11.00":  # what inputs read is smaller
            height[element.text] = float(element.attrib["y"])
    names = [feature["name"] for feature in features]
    assert sorted(names, key=lambda name: height[name]) == names


@pytest.mark.parametrize(
    ("suffix", "start"),
    [(".svg", b"<?xml"), (".pdf", b"%PDF-"), (".png", b"\x89PNG\r\n\x1a\n"), (".dot", b"digraph"), (".SVG", b"<?xml")],
)
def test_the_suffix_says_the_format(suffix, start, tmp_path):
    draw(from_dict(SHORT), str(tmp_path / f"g{suffix}"))
    assert (tmp_path / f"g{suffix}").read_bytes().startswith(start)


def test_the_same_genotype_gives_the_same_svg_without_paths_of_the_machine(tmp_path):
    svg = svg_of(from_dict(SHORT), tmp_path)
    assert svg == svg_of(from_dict(SHORT), tmp_path)
    for folder in (tmp_path, Path(sys.prefix), Path(__file__).parent):
        assert str(folder).encode() not in svg


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("g.txt", "has the suffix '.txt', which is not a format of drawings; known: '.svg', '.pdf', '.png', '.dot'"),
        ("g.pgn", "has the suffix '.pgn', which is not a format of drawings; did you mean '.png'?"),
        ("g", "has no suffix, which would say a format of drawings; known: '.svg', '.pdf', '.png', '.dot'"),
    ],
)
def test_an_unknown_suffix_is_refused(name, message, tmp_path):
    with pytest.raises(BmnasError) as caught:
        draw(from_dict(SHORT), tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: {message}"
    assert not list(tmp_path.iterdir())


@pytest.fixture
def no_renderer(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")


def test_without_a_renderer_the_error_says_what_to_install(no_renderer, tmp_path):
    with pytest.raises(BmnasError) as caught:
        draw(from_dict(SHORT), tmp_path / "g.svg")
    assert str(caught.value) == (
        f"{tmp_path / 'g.svg'}: cannot be drawn without Graphviz; install pygraphviz (pip install pygraphviz) or the "
        "program dot, or write the text of the drawing with -o file.dot, which needs neither"
    )
    assert not list(tmp_path.iterdir())


def test_without_a_renderer_the_dot_text_is_written(no_renderer, tmp_path):
    draw(from_dict(SHORT), tmp_path / "g.dot")
    assert (tmp_path / "g.dot").read_text(encoding="utf-8") == to_dot(from_dict(SHORT))


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for dot is a shell script")
def test_without_pygraphviz_the_program_dot_renders(no_renderer, monkeypatch, tmp_path):
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho noise >&2\necho "$@"\nexec /bin/cat\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    draw(from_dict(SHORT), tmp_path / "g.pdf")
    arguments, source = (tmp_path / "g.pdf").read_text(encoding="utf-8").split("\n", 1)
    assert arguments == "-Kdot -Tpdf"
    assert source == to_dot(from_dict(SHORT))

    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(BmnasError, match=r"g\.png: the installed Graphviz cannot draw it as png$"):
        draw(from_dict(SHORT), tmp_path / "g.png")


def test_a_failing_renderer_leaves_the_old_file(monkeypatch, tmp_path):
    def fail(*arguments, **options):
        raise ValueError("Graphviz Error creating dot representation")

    old = svg_of(from_dict(SHORT), tmp_path)
    monkeypatch.setattr(pygraphviz.AGraph, "draw", fail)
    with pytest.raises(BmnasError, match=r"g\.svg: the installed Graphviz cannot draw it as svg$"):
        draw(from_dict(changed(name="new")), tmp_path / "g.svg")
    assert (tmp_path / "g.svg").read_bytes() == old


def test_a_file_is_replaced_in_one_step_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "new" / "g.svg"
    draw(from_dict(SHORT), path)
    os.link(path, tmp_path / "old.svg")
    draw(from_dict(changed(name="other")), path)
    assert "other" in texts(path.read_bytes())
    assert "other" not in texts((tmp_path / "old.svg").read_bytes())  # the old file itself was not written into
    assert [entry.name for entry in path.parent.iterdir()] == ["g.svg"]


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BmnasError, match="cannot be written"):
        draw(from_dict(SHORT), tmp_path / "file" / "g.svg")


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_nothing_is_printed(suffix, capfd, tmp_path):
    # A fresh process: Fontconfig warns only when it is used for the first time.
    code = "import sys, bmnas; from bmnas.genotype.drawing import draw; draw(bmnas.load(sys.argv[1]), sys.argv[2])"
    source = tmp_path / "g.json"
    source.write_text(json.dumps(SHORT))
    subprocess.run([sys.executable, "-c", code, source, tmp_path / f"g{suffix}"], check=True)
    assert capfd.readouterr() == ("", "")


def test_stderr_is_silenced_only_while_rendering(capfd):
    with _silenced_stderr():
        os.write(2, b"inside\n")
    os.write(2, b"outside\n")
    with pytest.raises(RuntimeError), _silenced_stderr():
        raise RuntimeError
    os.write(2, b"after an error\n")
    assert capfd.readouterr().err == "outside\nafter an error\n"


def test_stderr_is_there_after_threads_have_drawn(capfd, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: draw(from_dict(SHORT), tmp_path / f"{i}.svg"), range(12)))
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_the_genotype_language_loads_nothing_of_torch_or_drawing(tmp_path):
    code = "import sys, bmnas.genotype; print(*{'torch', 'networkx', 'graphviz', 'pygraphviz'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
    code = "import sys, bmnas; bmnas.draw(bmnas.load('ntu-1'), sys.argv[1]); "
    code += "print(*{'torch', 'networkx', 'graphviz'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "g.svg"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_what_graphviz_could_not_lay_out_in_seconds_is_refused(tmp_path):
    steps = [{"op": "Sum", "inputs": ["x", "y"]} for _ in range(31)]
    large = from_dict(
        {
            "representation": {"channels": 4, "length": 2},
            "features": [{"name": name, "modality": name, "channels": 3} for name in "AB"],
            "cells": [{"inputs": ["A", "B"], "steps": steps} for _ in range(10)],
        }
    )
    for act in (lambda path: draw(large, path), lambda path: draw_diff(large, large, path)):
        with pytest.raises(BmnasError, match=r"g.svg: \d+ steps are more than can be laid out .* -o file.dot"):
            act(tmp_path / "g.svg")
        act(tmp_path / "g.dot")
    draw(large, tmp_path / "g.svg", level="cells")
    with pytest.raises(BmnasError, match=r"310 cells are more than"):
        draw([large] * 31, tmp_path / "h.svg", level="cells")
