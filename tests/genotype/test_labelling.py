"""The canonical order of a labelled graph: the same for every numbering, different for graphs that differ."""

from __future__ import annotations

from itertools import combinations
from random import Random

import networkx as nx
import pytest
from hypothesis import given, settings, strategies as st
from networkx.algorithms.isomorphism import DiGraphMatcher

from bmnas.genotype import labelling
from bmnas.genotype.labelling import canonical_order
from bmnas.genotype.refinement import TooSymmetricError
from tests.profiles import examples


@st.composite
def graphs(draw, most=9):
    """Labels and reads of up to nine nodes; few labels and positions, so that nodes look alike."""
    count = draw(st.integers(1, most))
    labels = [draw(st.sampled_from("ab")) for _ in range(count)]
    edges = [
        draw(st.lists(st.tuples(st.integers(0, node - 1), st.sampled_from([-1, -1, 0])), max_size=3)) if node else []
        for node in range(count)
    ]
    return labels, edges


def numbered(labels, reads, order):
    """The graph with its nodes numbered in that order."""
    number = {node: i for i, node in enumerate(order)}
    return (
        [labels[node] for node in order],
        [sorted((number[source], position) for source, position in reads[node]) for node in order],
    )


def canonical(labels, reads):
    return numbered(labels, reads, canonical_order(labels, reads))


def shuffled(labels, reads, rng):
    """Another numbering in which a node reads only lower ones."""
    order: list[int] = []
    waiting = list(range(len(labels)))
    while waiting:
        ready = [node for node in waiting if all(source in order for source, _ in reads[node])]
        order.append(rng.choice(ready))
        waiting.remove(order[-1])
    return numbered(labels, reads, order)


def network(labels, reads):
    graph = nx.DiGraph()
    for node, (label, edges) in enumerate(zip(labels, reads, strict=True)):
        graph.add_node(node, label=label)
        for source in {source for source, _ in edges}:
            graph.add_edge(source, node, way=sorted(position for other, position in edges if other == source))
    return graph


def points_and_lines(points, lines):
    """Points, and lines that read the points on them."""
    edges = [[] for _ in range(points)] + [[(point, -1) for point in line] for line in lines]
    return ["point"] * points + ["line"] * len(lines), edges


def rook_graph():
    squares = [(i, j) for i in range(4) for j in range(4)]
    pairs = combinations(range(16), 2)
    return points_and_lines(
        16, [(a, b) for a, b in pairs if squares[a][0] == squares[b][0] or squares[a][1] == squares[b][1]]
    )


def shrikhande_graph():
    steps = {(0, 1), (0, 3), (1, 0), (3, 0), (1, 1), (3, 3)}
    pairs = combinations(range(16), 2)
    return points_and_lines(16, [(a, b) for a, b in pairs if ((a // 4 - b // 4) % 4, (a - b) % 4) in steps])


def frucht_graph():
    """All points have three lines, and yet no two of them are alike."""
    return points_and_lines(12, list(nx.frucht_graph().edges))


def cycles(*lengths):
    lines, first = [], 0
    for length in lengths:
        lines += [(first + i, first + (i + 1) % length) for i in range(length)]
        first += length
    return points_and_lines(first, lines)


@settings(deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_the_numbering_does_not_count(graph, rng):
    labels, reads = canonical(*graph)
    assert (labels, reads) == canonical(*shuffled(*graph, rng))
    assert all(source < node for node, edges in enumerate(reads) for source, _ in edges)
    assert canonical(labels, reads) == (labels, reads)


@settings(deadline=None, max_examples=examples(300))
@given(graphs(most=6), graphs(most=6))
def test_two_graphs_are_isomorphic_exactly_when_networkx_says_so(one, other):
    def alike(a, b):
        return a == b

    assert (canonical(*one) == canonical(*other)) == DiGraphMatcher(
        network(*one), network(*other), alike, alike
    ).is_isomorphic()


@pytest.mark.parametrize(
    "graph",
    [rook_graph(), shrikhande_graph(), frucht_graph(), cycles(7), cycles(3, 4), cycles(3, 3, 4), cycles(*[3] * 20)],
    ids=["rook", "shrikhande", "frucht", "7", "3+4", "3+3+4", "20 triangles"],
)
def test_symmetric_graphs_have_one_form(graph):
    rng = Random(0)
    form = canonical(*graph)
    for _ in range(5):
        assert canonical(*shuffled(*graph, rng)) == form


def test_graphs_that_refinement_alone_cannot_tell_apart_have_different_forms():
    assert canonical(*rook_graph()) != canonical(*shrikhande_graph())
    forms = [canonical(*cycles(*lengths)) for lengths in ([12], [6, 6], [4, 4, 4], [3, 3, 3, 3], [3, 9], [5, 7])]
    assert all(one != other for one, other in combinations(forms, 2))


def test_equal_parts_take_no_choice(monkeypatch):
    monkeypatch.setattr(labelling, "EFFORT", 0)
    count = 500
    roots = [[]] + [[(0, -1)] for _ in range(count)]
    leaves = [[(root, 0), (0, 1)] for root in range(1, count + 1)]
    assert len(canonical_order(["a"] * (2 * count + 1), roots + leaves)) == 2 * count + 1


def test_what_would_take_too_long_is_an_error(monkeypatch):
    monkeypatch.setattr(labelling, "EFFORT", 500)
    with pytest.raises(TooSymmetricError):
        canonical_order(*rook_graph())


def complete_graph(points):
    return points_and_lines(points, list(combinations(range(points), 2)))


def projective_plane(order):
    """The points of the plane over a prime field, and as many lines, each of order + 1 of them."""
    field = range(order)
    points = [(1, a, b) for a in field for b in field] + [(0, 1, a) for a in field] + [(0, 0, 1)]
    lines = [
        [i for i, point in enumerate(points) if sum(a * b for a, b in zip(line, point, strict=True)) % order == 0]
        for line in points
    ]
    return points_and_lines(len(points), lines)


def sylvester_matrix(power):
    """The Hadamard matrix of size 2 ** power: lines through one of two points for each column, as the sign says."""
    size = 2**power
    signs = [[(row & column).bit_count() % 2 for column in range(size)] for row in range(size)]
    lines = [[column + size * (sign ^ flip) for column, sign in enumerate(row)] for row in signs for flip in (0, 1)]
    return points_and_lines(2 * size, lines)


@pytest.mark.parametrize(
    "graph",
    [
        complete_graph(14),
        projective_plane(5),
        sylvester_matrix(4),
        points_and_lines(50, list(nx.hoffman_singleton_graph().edges)),
    ],
    ids=["complete", "projective plane", "Hadamard matrix", "Hoffman-Singleton"],
)
def test_very_many_automorphisms_take_little_effort(graph, monkeypatch):
    """Trying every choice would take 10 ** 4 to 10 ** 10 ways down."""
    monkeypatch.setattr(labelling, "EFFORT", 1_000_000)
    assert canonical(*graph) == canonical(*shuffled(*graph, Random(0)))


def twisted(graph, twist):
    """What refinement alone cannot tell from its twisted twin (Cai, Fürer and Immerman 1992), as points and lines."""
    twin = nx.Graph()
    for node in graph:
        near = sorted(graph[node])
        for chosen in (set(some) for count in range(0, len(near) + 1, 2) for some in combinations(near, count)):
            for other in near:
                twin.add_edge(("middle", node, tuple(sorted(chosen))), ("end", node, other, other in chosen))
    for number, (one, other) in enumerate(graph.edges):
        for side in (False, True):
            twin.add_edge(("end", one, other, side), ("end", other, one, side ^ (twist and number == 0)))
    twin = nx.convert_node_labels_to_integers(twin)
    return points_and_lines(len(twin), list(twin.edges))


def test_a_twist_is_told_from_none():
    plain, twin = (twisted(nx.complete_graph(4), twist) for twist in (False, True))
    assert canonical(*plain) != canonical(*twin)
    for graph in (plain, twin):
        assert canonical(*graph) == canonical(*shuffled(*graph, Random(1)))
