"""Ageing evolution: who is alive, who becomes a parent, and what a child is."""

from __future__ import annotations

from random import Random

import pytest

from bmnas.searcher.strategies import strategy_of
from bmnas.searcher.strategies.on_candidates import Scored
from tests.searcher.problems import problem


@pytest.fixture
def grown():
    """An evolution with a population of 4 after 9 candidates, of which the first is by far the best."""

    def make(**settings):
        stated = problem(strategy="evolution", population=4, budget_trainings=20, **settings)
        strategy = strategy_of(stated)
        genotypes = strategy.space.sample(Random(0), 9)
        strategy.done = [Scored(genotype, 0.9 if n == 0 else n / 100) for n, genotype in enumerate(genotypes)]
        return strategy

    return make


def test_the_oldest_is_removed_even_if_it_is_the_best(grown):
    strategy = grown()
    assert strategy.population == strategy.done[5:]
    strategy.done.append(Scored(strategy.space.random(1), 0.0))
    assert strategy.population == strategy.done[6:]


def test_a_parent_is_the_best_of_its_tournament(grown):
    strategy, best = grown(tournament=64), 8  # drawn 64 times, all four take part
    assert {strategy._parent(Random(n)).cells for n in range(20)} == {strategy.done[best].genotype.cells}
    alone = grown(tournament=1)
    assert {alone._parent(Random(n)).cells for n in range(99)} == {each.genotype.cells for each in alone.population}


def test_a_child_differs_from_its_parent_in_one_choice_or_mixes_two(grown):
    strategy = grown()
    parents = [each.genotype for each in strategy.population]
    neighbours = {child.cells for parent in parents for child in strategy.space.neighbours(parent)}
    mixed = 0
    for n in range(60):
        child = strategy._draw(Random(n))
        assert child in strategy.space
        by_cell = [child.cells[cell] in [parent.cells[cell] for parent in parents] for cell in range(2)]
        mixed += all(by_cell)
        assert child.cells in neighbours or all(by_cell)
    assert 0 < mixed < 60


def test_the_first_population_is_random():
    strategy = strategy_of(problem(strategy="evolution", population=4, budget_trainings=5))
    strategy.done = [Scored(strategy.space.random(0), 0.5)] * 3
    assert strategy._draw(Random(1)) == strategy.space.random(Random(1))
    strategy.done = strategy.done * 2
    assert strategy._draw(Random(1)) != strategy.space.random(Random(1))


def test_lower_scores_are_better_where_the_metric_says_so(grown):
    strategy = grown(tournament=64)
    metric = strategy.problem.task.metric
    strategy.problem.task._metric = type(metric)("error", metric.score, higher_is_better=False)
    assert strategy._parent(Random(0)) == strategy.done[5].genotype
