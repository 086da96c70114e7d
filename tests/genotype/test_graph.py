"""The graph of a genotype, and what of a genotype is used."""

from __future__ import annotations

from collections import Counter

import networkx as nx
from hypothesis import given, settings

from bmnas.genotype import INPUT_NAMES, Cell, Genotype, Step, from_dict
from bmnas.genotype.graph import OUTPUT, to_graph, used_cells, used_features, used_nodes, used_steps
from tests.genotype.test_schema import SHORT, changed
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
