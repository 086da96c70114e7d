"""Budgets, repetitions, and what a state may be."""

from __future__ import annotations

import itertools
import time

import pytest

from bmnas.errors import BmnasError
from bmnas.genotype.canonical import canonical_hash
from bmnas.searcher import SearchConfig
from bmnas.searcher.strategies import on_candidates, strategy_of
from tests.searcher.problems import problem
from tests.searcher.strategies.going_on import rounds


class Instant:
    """Stands for the training of a candidate: it takes no steps, and two seconds."""

    loss, clock = 0.1, 0.0

    def __init__(self, problem, genotype, seed, number):
        self.genotype, self.number = genotype, number
        self.score = (number * 7 % 10) / 10

    def steps(self):
        Instant.clock += 2.0
        return iter(())


@pytest.fixture
def instant(monkeypatch):
    monkeypatch.setattr(on_candidates, "CandidateTraining", Instant)
    monkeypatch.setattr("time.perf_counter", lambda: Instant.clock)


@pytest.mark.parametrize(
    ("budget", "count"),
    [
        ({}, 16),
        ({"budget_trainings": 20}, 20),
        ({"budget_seconds": 9.0}, 5),  # the candidate that reaches it is the last
        ({"budget_seconds": 60.0}, 30),
        ({"budget_trainings": 12, "budget_seconds": 9.0}, 5),
        ({"budget_trainings": 12, "budget_seconds": 99.0}, 12),
        ({"patience": 4, "budget_trainings": 99}, 11),  # the best is the seventh
    ],
)
@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_budgets(instant, strategy, budget, count):
    assert len(rounds(strategy_of(problem(strategy=strategy, **budget)).events())) == count


def test_time_that_was_spent_counts_after_a_stop(instant):
    stated = problem(strategy="random", budget_seconds=9.0)
    strategy = strategy_of(stated)
    list(itertools.islice(strategy.events(), 6))
    again = strategy_of(stated)
    again.load_state(strategy.state())
    assert len(rounds(again.events())) == 2


def test_time_that_an_interrupted_training_has_taken_counts(monkeypatch):
    stated = problem(strategy="random", budget_seconds=1000.0)
    strategy = strategy_of(stated)
    events = strategy.events()
    next(events)
    state = strategy.state()
    assert 0 < state["clock"]["seconds"] < 900
    state["clock"]["seconds"] = 1001.0
    again = strategy_of(stated)
    again.load_state(state)
    assert [entry["round"] for entry in rounds(again.events())] == [1]


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_no_two_candidates_compute_the_same(instant, strategy):
    stated = problem(strategy=strategy, cells=1, steps=1, budget_trainings=100)
    hashes = [canonical_hash(entry["genotype"]) for entry in rounds(strategy_of(stated).events())]
    assert len(set(hashes)) == len(hashes) == 100


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_a_search_ends_when_its_space_is_used_up(instant, strategy):
    stated = problem(strategy=strategy, cells=1, steps=1, operations=("Sum",), budget_trainings=10**6)
    done = rounds(strategy_of(stated).events())
    assert len(done) == stated.space.count_canonical()


def test_a_state_of_something_else_is_refused():
    stated = problem(strategy="random")
    strategy = strategy_of(stated)
    next(strategy.events())
    state = strategy.state()
    for wrong in (
        {"candidates": ["0x0"]},
        {"candidates": [hex(10**30)], "scores": [0.5]},
        {"training": {**state["training"], "number": 2}},
        {"best": []},
    ):
        with pytest.raises(Exception):  # noqa: B017 -- the run folder turns any into a sentence
            strategy_of(stated).load_state({**state, **wrong})


def test_a_large_space_has_a_state_too(instant):
    stated = problem(strategy="evolution", cells=12, steps=12, budget_trainings=9)
    assert stated.space.count > 10**250
    whole = rounds(strategy_of(stated).events())
    strategy = strategy_of(stated)
    list(itertools.islice(strategy.events(), 16))
    again = strategy_of(stated)
    again.load_state(strategy.state())
    assert rounds(again.events()) == whole[8:]


def test_a_round_lasts_as_long_as_its_training(monkeypatch):
    start = time.perf_counter()
    done = [
        event.seconds
        for event in strategy_of(problem(strategy="random", budget_trainings=2)).events()
        if hasattr(event, "seconds")
    ]
    assert 0 < sum(done) < time.perf_counter() - start


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"strategy": "evolution", "budget_trainings": 8}, "of 8, so that of 8 trainings none is left"),
        ({"strategy": "evolution", "population": 16}, "of 16, so that of 16 trainings none is left"),
        (
            {"strategy": "gdas", "sharpness": True},
            "sharpness is of the strategy bilevel; the strategy gdas does not have it",
        ),
        ({"strategy": "random-ws", "select": "alpha"}, "learns no alpha to select by"),
    ],
)
def test_settings_that_make_no_sense_together(settings, sentence):
    with pytest.raises(BmnasError, match=sentence):
        SearchConfig.checked(**settings)
