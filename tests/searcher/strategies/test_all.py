"""What holds for every strategy: members of the space, repeatable, resumable, blind to the test split."""

from __future__ import annotations

from typing import Literal

import pytest

from bmnas.cli.settings_options import options_of
from bmnas.genotype import Cell, Genotype, from_dict
from bmnas.searcher import SearchConfig
from bmnas.searcher.events import CandidateDone, EpochDone, SelectionDone
from bmnas.searcher.strategies import STRATEGIES, strategy_of
from bmnas.searcher.strategies.on_candidates import OnCandidates
from bmnas.searcher.strategies.random import RandomSearch
from bmnas.tasks import FeatureStore
from tests.searcher.problems import problem
from tests.searcher.strategies.going_on import rounds, stopped_and_continued

BY_ITSELF = tuple(name for name, strategy in STRATEGIES.items() if issubclass(strategy, OnCandidates))
BY_HYPERNET = tuple(name for name in STRATEGIES if name not in BY_ITSELF)
# Settings with which a strategy takes a second; a new one has them by itself.
BUDGET = {name: {"budget_trainings": 4} if name in BY_ITSELF else {"select": "alpha"} for name in STRATEGIES} | {
    "bilevel": {"top_k": 1},
    "random-ws": {"samples": 5},
    "evolution": {"budget_trainings": 4, "population": 2},
    "mfas": {"budget_trainings": 4, "samples_per_step": 1},
    "dc-nas": {"budget_trainings": 4, "parts": 2, "subpopulation": 1},
}


def in_node_order(genotype: Genotype) -> Genotype:
    """As the space writes it: a hypernet with weights for x and y tells the order of a cell's inputs."""
    order = [*(feature.name for feature in genotype.features), *(cell.name for cell in genotype.cells)]
    cells = [
        Cell(name=cell.name, inputs=tuple(sorted(cell.inputs, key=order.index)), steps=cell.steps, output=cell.output)
        for cell in genotype.cells
    ]
    return genotype.model_copy(update={"cells": tuple(cells)})


def test_a_new_strategy_is_a_file_and_a_line(monkeypatch):
    class Mine(RandomSearch):
        class Settings(RandomSearch.Settings):
            kind: Literal["mine"] = "mine"
            patience_with_bad_ones: int = 3

    monkeypatch.setitem(STRATEGIES._members, "mine", Mine)
    found = strategy_of(problem(strategy="mine", patience_with_bad_ones=2))
    assert isinstance(found, Mine)
    assert found.settings.patience_with_bad_ones == 2
    assert "patience_with_bad_ones" in {option.name for option in options_of(SearchConfig)}


@pytest.mark.parametrize("derive", ["paper", "official"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_members_of_the_space_are_found(strategy, derive):
    stated = problem(strategy=strategy, derive=derive, **BUDGET[strategy])
    found = [event for event in strategy_of(stated).events() if getattr(event, "genotype", None)]
    assert len(found) >= 2
    for event in found:
        if STRATEGIES[strategy].Settings.own_space:
            assert event.genotype == from_dict(event.genotype.model_dump(mode="json"))
            assert event.genotype.features == stated.features
        else:
            assert in_node_order(event.genotype) in stated.space
        assert 0 <= event.score <= 1
        assert event.seconds > 0
    assert [event for event in found if event.best]
    kinds = {type(event) for event in found}
    assert kinds <= ({CandidateDone} if strategy in BY_ITSELF else {EpochDone, SelectionDone})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_seed_says_it_all(strategy):
    first, second, other = (
        rounds(strategy_of(problem(strategy=strategy, seed=seed, **BUDGET[strategy])).events()) for seed in (3, 3, 4)
    )
    assert first == second
    assert [entry["loss"] for entry in first if "loss" in entry] != [
        entry["loss"] for entry in other if "loss" in entry
    ]


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_that_is_stopped_again_and_again_ends_the_same(strategy, seeds):
    less = {"budget_trainings": 3} if strategy in BY_ITSELF and strategy != "dc-nas" else {}
    stated = problem(strategy=strategy, seeds=seeds, **BUDGET[strategy] | less)
    whole = rounds(strategy_of(stated).events())
    assert {entry["seed"] for entry in whole} == set(stated.seeds)
    # Stops on steps of both kinds, on rounds and between them. Not for ever: a selection begins anew after each.
    assert stopped_and_continued(stated, lambda count: count % 5 == 0 and count < 40) == whole


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_a_search_is_stopped_right_before_and_after_a_round(strategy):
    stated = problem(strategy=strategy, **BUDGET[strategy])
    whole = rounds(strategy_of(stated).events())
    steps = 3 * 2  # of a candidate: 48 samples in batches of 16, two epochs
    for at in (steps, steps + 1, steps + 2):
        assert stopped_and_continued(stated, lambda count, at=at: count == at) == whole


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_several_seeds_are_as_each_alone(strategy):
    both = rounds(strategy_of(problem(strategy=strategy, seed=3, seeds=2, **BUDGET[strategy])).events())
    for seed in (3, 4):
        own = [entry for entry in both if entry["seed"] == seed]
        alone = rounds(strategy_of(problem(strategy=strategy, seed=seed, **BUDGET[strategy])).events())
        assert [entry["genotype"] for entry in own] == [entry["genotype"] for entry in alone]
        assert [entry["score"] for entry in own] == pytest.approx([entry["score"] for entry in alone], abs=0.01)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_test_split_is_never_read(strategy, monkeypatch):
    read = []
    data = FeatureStore.data
    monkeypatch.setattr(
        FeatureStore, "data", lambda self, *names, **rest: (read.extend(names), data(self, *names, **rest))[1]
    )
    assert list(strategy_of(problem(strategy=strategy, **BUDGET[strategy])).events())
    assert set(read) == {"train", "validation"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_was_done_is_counted(strategy):
    done = rounds(strategy_of(problem(strategy=strategy, **BUDGET[strategy])).events())
    counts = [(entry["trainings"], entry["candidates"]) for entry in done]
    if strategy in BY_ITSELF:
        assert counts == [(n, n) for n in (1, 2, 3, 4)]
    elif strategy == "bilevel":
        assert counts[:2] == [(1, 0), (1, 0)]
        assert counts[2][1] > 0
    elif strategy == "released":
        assert counts == [(1, 0), (1, 0)]
    else:
        assert counts == [(1, 1), (1, 2)] + ([(1, 2 + 5)] if strategy == "random-ws" else [])
