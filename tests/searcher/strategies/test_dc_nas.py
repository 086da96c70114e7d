"""DC-NAS: its trees, what is trained on what, who the parents and the survivors are, and that it searches."""

from __future__ import annotations

from random import Random

import pytest

import bmnas
from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.searcher import SearchConfig
from bmnas.searcher.problem import refuse_unsearchable
from bmnas.searcher.strategies import on_candidates, strategy_of
from bmnas.searcher.strategies.fusion_tree import OPERATIONS, cells_of, crossed, leaves, random_tree, tree_of
from bmnas.searcher.strategies.on_candidates import Scored
from tests.searcher.problems import problem
from tests.searcher.strategies.going_on import rounds, stopped_and_continued
from tests.searcher.strategies.hidden_pair import LookedUp, found_by, task_of

NAMES = ("A", "B", "C", "D", "E")


def make(**settings):
    return strategy_of(
        problem(strategy="dc-nas", **{"parts": 2, "subpopulation": 3, "budget_trainings": 99, **settings})
    )


def trees(count, most=5):
    return [random_tree(5, most, Random(seed)) for seed in range(count)]


def inner(tree):
    return [] if isinstance(tree, int) else [tree[0], *inner(tree[1]), *inner(tree[2])]


def test_trees_and_cells_are_two_ways_of_saying_it():
    for tree in trees(50):
        cells = cells_of(tree, NAMES)
        assert len(cells) == len(leaves(tree)) - 1
        assert tree_of(cells, NAMES) == tree
    with pytest.raises((ValueError, KeyError)):
        tree_of(cells_of(trees(1)[0], NAMES)[::-1], NAMES)


def test_random_trees_have_all_sizes_operations_and_no_feature_twice():
    drawn = trees(200, most=4)
    assert {len(leaves(tree)) for tree in drawn} == {2, 3, 4}
    assert {operation for tree in drawn for operation in inner(tree)} == set(OPERATIONS)
    assert all(len(set(leaves(tree))) == len(leaves(tree)) for tree in drawn)


def test_a_crossed_tree_has_parts_of_both():
    new = 0
    for seed, (tree, other) in enumerate(zip(trees(60), reversed(trees(60)), strict=True)):
        child = crossed(tree, other, 4, Random(seed))
        assert set(leaves(child)) <= set(leaves(tree)) | set(leaves(other))
        assert 2 <= len(set(leaves(child))) == len(leaves(child)) <= 5
        new += child not in (tree, other)
    assert new > 30
    # What is left is one feature, so it stays the tree that it was.
    assert crossed(("Sum", 0, 1), ("Mul", 1, 0), 4, Random(3)) in (("Sum", 0, 1), ("Sum", 1, 0))


def test_leaves_that_are_too_many_are_left_out():
    for seed in range(30):
        child = crossed(("Sum", ("Mul", 0, 1), 2), ("Max", ("Mean", 3, 4), 0), 3, Random(seed))
        assert len(leaves(child)) <= 3


@pytest.mark.parametrize("anchor", ["none", "last"])
def test_a_network_is_a_tree(anchor):
    strategy = make(anchor=anchor)
    for seed in range(20):
        genotype = strategy._any(Random(seed))
        assert bmnas.from_dict(genotype.model_dump(mode="json")) == genotype
        read = [name for cell in genotype.cells for name in cell.inputs]
        assert len(set(read)) == len(read)
        assert {name for name in read if name.startswith("Cell")} == {cell.name for cell in genotype.cells[:-1]}
        assert [name for name in genotype.output if name.startswith("Cell")] == [genotype.cells[-1].name]
        bmnas.compile(genotype)


def test_parts_of_the_training_split_are_disjoint_and_of_all_classes():
    strategy = make(parts=3)
    *parts, whole = strategy._divided
    rows = [set(part.train.rows().tolist()) for part in parts]
    assert sorted(row for part in rows for row in part) == sorted(whole.train.rows().tolist())
    for part in parts:
        counts = part.train.labels.bincount()
        assert counts.max() - counts.min() <= 1
        assert part.validation is whole.validation
    assert strategy._next()._problem is parts[0]
    assert strategy._problem_of(4) is whole
    assert strategy._problem_of(5) is parts[0]


def grown(generations, **settings):
    strategy = make(**settings)
    for n in range(strategy._size * generations):
        strategy.done.append(Scored(strategy._draw(Random(n)), (n * 7 % 10) / 10 + n / 1000))
    return strategy


def test_a_generation_replaces_by_tournaments_and_keeps_the_best():
    strategy = grown(3)
    populations = strategy.subpopulations()
    assert [len(each) for each in populations] == [3, 3, 3]
    for kind, population in enumerate(populations):
        own = strategy.done[kind::3]
        assert all(scored in own for scored in population)
        assert max(own, key=lambda scored: scored.score) in population
    assert make().subpopulations() == []
    # They follow from what has been done, however it was come to.
    again = make()
    again.done = strategy.done
    assert again.subpopulations() == populations


def test_each_side_learns_from_the_other():
    strategy = grown(2)
    populations = strategy.subpopulations()
    *parts, whole = populations
    assert strategy._knowledge(populations, 0) == whole
    best = strategy._knowledge(populations, 2)
    assert len(best) == 4
    for part in parts:
        assert max(part, key=lambda scored: scored.score) in best
        assert min(part, key=lambda scored: scored.score) not in best or len({id(each) for each in part}) < 3


def test_it_costs_what_parts_cost():
    whole = strategy_of(problem(strategy="random", budget_trainings=99)).stages[0].cost
    assert make(parts=3).stages[0].cost == pytest.approx(whole * (3 * 1 / 3 + 1) / 4)


def test_a_stop_at_any_event_makes_no_difference():
    stated = problem(strategy="dc-nas", budget_trainings=7, parts=2, subpopulation=1, epochs=1)
    whole = rounds(strategy_of(stated).events())
    assert stopped_and_continued(stated, lambda count: True) == whole


def test_it_finds_a_hidden_pair_more_often_than_drawing_at_random(monkeypatch):
    monkeypatch.setattr(on_candidates, "CandidateTraining", LookedUp)
    searched, drawn = found_by({"strategy": "dc-nas", "leaves": 4, "budget_trainings": 128}, seeds=6)
    assert searched > drawn + 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"budget_trainings": 16}, "4 random sub-populations of 4, so that of 16 trainings none is left"),
        ({"subpopulation": 12}, "4 random sub-populations of 12, so that of 48 trainings none is left"),
        ({"parts": 1}, "setting parts is 1"),
    ],
)
def test_settings_that_make_no_sense(settings, sentence):
    with pytest.raises(BmnasError, match=sentence):
        SearchConfig.checked(strategy="dc-nas", **settings)


def test_what_it_cannot_join_or_divide_is_refused():
    config = SearchConfig(strategy="dc-nas", leaves=3)
    with pytest.raises(BmnasError, match="joins two features or more, but there is only 1 feature"):
        refuse_unsearchable(task_of([Feature(name="a", modality="a", channels=4)]), config)
    with pytest.raises(BmnasError, match="feature 'Cell_2' has the name of a cell"):
        refuse_unsearchable(task_of([Feature(name=n, modality="a", channels=4) for n in ("a", "Cell_2")]), config)
    with pytest.raises(BmnasError, match="divides the 48 training samples of task random into 40 parts of two samples"):
        make(parts=40, budget_trainings=999)
