"""The graph of a genotype, and what of a genotype is used."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import networkx as nx
import pytest
from hypothesis import given, settings

from bmnas.genotype import INPUT_NAMES, Cell, Genotype, Step, from_dict
from bmnas.genotype.graph import (
    OUTPUT,
    depth,
    depths,
    path_counts,
    reaches,
    reads,
    to_graph,
    used_cells,
    used_features,
    used_nodes,
    used_steps,
)
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import genotypes


def test_the_nodes_are_in_genotype_order():
    assert list(to_graph(from_dict(SHORT)).nodes(data="kind")) == [
        (("feature", "Video_3"), "feature"),
        (("feature", "Skeleton_4"), "feature"),
        (("input", "Cell_1", "x"), "input"),
        (("input", "Cell_1", "y"), "input"),
        (("step", "Cell_1", "Step_1"), "step"),
        (("step", "Cell_1", "Step_2"), "step"),
        (("cell", "Cell_1"), "cell"),
        (("input", "Cell_2", "x"), "input"),
        (("input", "Cell_2", "y"), "input"),
        (("step", "Cell_2", "Step_1"), "step"),
        (("cell", "Cell_2"), "cell"),
        (("output",), "output"),
    ]


def test_edges_say_their_level_and_their_positions():
    graph = to_graph(from_dict(changed(cells__1__steps__0__inputs=["y", "y"])))
    edges = {(source, target): data for source, target, data in graph.edges(data=True)}
    upper = {"level": "upper"}
    assert edges[("feature", "Video_3"), ("input", "Cell_1", "x")] == {**upper, "positions": (0,)}
    assert edges[("cell", "Cell_1"), ("input", "Cell_2", "x")] == {**upper, "positions": (0,)}
    assert edges[("cell", "Cell_2"), OUTPUT] == {**upper, "positions": (1,)}
    inner = {"level": "inner"}
    assert edges[("input", "Cell_1", "y"), ("step", "Cell_1", "Step_1")] == {**inner, "positions": (1,)}
    assert edges[("step", "Cell_1", "Step_2"), ("cell", "Cell_1")] == {**inner, "positions": (1,)}
    assert edges[("input", "Cell_2", "y"), ("step", "Cell_2", "Step_1")] == {**inner, "positions": (0, 1)}
    assert (("input", "Cell_2", "x"), ("step", "Cell_2", "Step_1")) not in edges


def test_the_official_residual_is_an_edge_without_position():
    graph = to_graph(from_dict(SHORT))
    assert graph.edges[("input", "Cell_1", "x"), ("cell", "Cell_1")] == {"level": "inner", "positions": ()}
    named = to_graph(from_dict(changed(cells__0__output=["Step_2", "x"])))
    assert named.edges[("input", "Cell_1", "x"), ("cell", "Cell_1")] == {"level": "inner", "positions": (1,)}


@settings(deadline=None)
@given(genotypes())
def test_the_graph_has_every_reference_of_the_genotype(genotype):
    graph = to_graph(genotype)
    assert nx.is_directed_acyclic_graph(graph)
    counts = Counter(data["level"] for *_, data in graph.edges(data=True) for _ in data["positions"])
    assert counts["upper"] == len(genotype.output) + sum(len(cell.inputs) for cell in genotype.cells)
    assert counts["inner"] == sum(
        len(cell.output) + sum(len(step.inputs) for step in cell.steps) for cell in genotype.cells
    )


@settings(deadline=None)
@given(genotypes())
def test_what_is_used_is_found_by_walking_back_too(genotype):
    walked = walk_back(genotype)
    assert used_features(genotype) == tuple(f.name for f in genotype.features if ("feature", f.name) in walked)
    assert used_cells(genotype) == tuple(c.name for c in genotype.cells if ("cell", c.name) in walked)
    for cell in genotype.cells:
        if cell.name in used_cells(genotype):
            assert used_steps(cell) == tuple(s.name for s in cell.steps if ("step", cell.name, s.name) in walked)
    assert used_nodes(genotype) == walked


def test_steps_cells_and_features_that_do_not_reach_the_output_are_not_used():
    genotype = from_dict(changed(output=["Cell_1"], cells__0__output=["Step_1"]))
    assert used_cells(genotype) == ("Cell_1",)
    assert used_steps(genotype.cells[0]) == ("Step_1",)
    assert used_features(from_dict(changed(output=["Skeleton_4"]))) == ("Skeleton_4",)


def test_an_input_that_nothing_in_the_cell_reads_uses_no_feature_but_x_always_does():
    steps = [{"op": "Sum", "inputs": ["x", "x"]}]
    assert used_features(from_dict(changed(cells__0__steps=steps, output=["Cell_1"]))) == ("Video_3",)
    steps = [{"op": "Sum", "inputs": ["y", "y"]}]
    assert used_features(from_dict(changed(cells__0__steps=steps, output=["Cell_1"]))) == ("Video_3", "Skeleton_4")


def test_the_paper_dialect_has_no_residual_so_x_may_be_unused():
    steps = [{"op": "Sum", "inputs": ["y", "y"]}]
    genotype = from_dict(changed(cells__0__steps=steps, output=["Cell_1"]) | {"dialect": "paper"})
    assert used_features(genotype) == ("Skeleton_4",)


def test_a_cell_whose_output_is_an_input_uses_no_step():
    cell = Cell(name="Cell_1", inputs=("a", "b"), steps=(Step(name="s", op="Sum", inputs=("x", "y")),), output=("y",))
    assert used_steps(cell) == ()


@settings(deadline=None)
@given(genotypes())
def test_what_nodes_read_is_the_graph(genotype):
    read, graph = reads(genotype), to_graph(genotype)
    assert list(read) == list(graph.nodes)
    assert {(source, target) for target in read for source in read[target]} == set(graph.edges)
    seen: set[tuple[str, ...]] = set()
    for node, sources in read.items():
        assert seen.issuperset(sources), "a node comes after all that it reads"
        seen.add(node)


@settings(deadline=None)
@given(genotypes())
def test_depths_are_the_longest_paths(genotype):
    graph = to_graph(genotype)
    for source, target in graph.edges:
        graph.edges[source, target]["computes"] = int(target[0] in ("step", "cell"))
    for node, found in depths(genotype).items():
        behind = graph.subgraph(nx.ancestors(graph, node) | {node})
        assert found == nx.dag_longest_path_length(behind, weight="computes")
    assert depth(genotype) == depths(genotype)[OUTPUT]


@settings(deadline=None, max_examples=examples(50))
@given(genotypes())
def test_path_counts_are_those_of_all_paths(genotype):
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(reads(genotype))
    for target, sources in reads(genotype).items():
        graph.add_edges_from((source, target) for source in sources)
    counts = path_counts(genotype)
    assert list(counts) == [feature.name for feature in genotype.features]
    for name, count in counts.items():
        assert count >= (name in used_features(genotype))
        if count < 5000:
            assert count == len(list(nx.all_simple_edge_paths(graph, ("feature", name), OUTPUT)))


@settings(deadline=None)
@given(genotypes())
def test_what_reaches_what_is_what_networkx_says(genotype):
    graph = to_graph(genotype)
    for source in list(graph)[::3]:
        for target in list(graph)[::2]:
            assert reaches(genotype, source, target) == nx.has_path(graph, source, target)


def test_reaching_of_what_is_not_there():
    with pytest.raises(KeyError, match="Cell_9"):
        reaches(from_dict(SHORT), ("cell", "Cell_9"), OUTPUT)
    with pytest.raises(KeyError, match="Cell_9"):
        reaches(from_dict(SHORT), OUTPUT, ("cell", "Cell_9"))


def test_depth_and_paths_by_hand():
    genotype = from_dict(SHORT)
    assert depth(genotype) == 5, "two steps, their cell, a step, its cell"
    # Cell_1 has three paths from its x through steps and one residual, one from its y twice: Step_1 is read twice.
    # Each goes to the output, and through Cell_2's x twice: by Step_1 and residual; Cell_2's y is read once.
    assert path_counts(genotype) == {"Video_3": 4 * 3 + 1, "Skeleton_4": 2 * 3}
    paper = from_dict(SHORT | {"dialect": "paper"})
    assert path_counts(paper) == {"Video_3": 3 * 2 + 1, "Skeleton_4": 2 * 2}
    assert depth(from_dict(changed(cells=[], output=["Video_3"]))) == 0


def test_a_node_that_is_read_twice_makes_two_paths_and_numbers_are_exact():
    steps = [{"op": "Sum", "inputs": ["y", "y"]}, *({"op": "Sum", "inputs": [f"Step_{i}"] * 2} for i in range(1, 200))]
    cell = {"inputs": ["Video_3", "Skeleton_4"], "steps": steps, "output": ["Step_200", "x"]}
    genotype = from_dict(changed(cells=[cell]))
    assert path_counts(genotype) == {"Video_3": 2, "Skeleton_4": 2**200}
    assert depth(genotype) == 201


def test_only_the_graph_itself_loads_networkx():
    code = """
import sys
from bmnas.genotype import published
from bmnas.genotype.graph import depth, path_counts, to_graph, used_nodes
from bmnas.genotype.lint import lint
genotype = published.load("ntu-1")
depth(genotype), path_counts(genotype), used_nodes(genotype), lint(genotype)
assert "networkx" not in sys.modules
to_graph(genotype)
assert "networkx" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def walk_back(genotype: Genotype) -> set[tuple[str, ...]]:
    """The used nodes, by a plain walk from the output: a slow reference."""
    cells = {cell.name: cell for cell in genotype.cells}
    found: set[tuple[str, ...]] = {OUTPUT}

    def upper(name: str) -> None:
        if name not in cells:
            found.add(("feature", name))
            return
        found.add(("cell", name))
        residual = ("x",) if genotype.dialect == "official" else ()
        for node in (*cells[name].output, *residual):
            inner(cells[name], node)

    def inner(cell: Cell, node: str) -> None:
        if node in INPUT_NAMES:
            found.add(("input", cell.name, node))
            upper(cell.inputs[INPUT_NAMES.index(node)])
            return
        found.add(("step", cell.name, node))
        for read in next(step for step in cell.steps if step.name == node).inputs:
            inner(cell, read)

    for name in genotype.output:
        upper(name)
    return found
