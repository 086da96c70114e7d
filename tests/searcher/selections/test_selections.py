"""Every selection gives a genotype of the space, the same each time, with the score of its network."""

from __future__ import annotations

import pytest

from bmnas.genotype.space import OFFICIAL, PAPER
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.selections import SELECTIONS, Choice, Looking, Looks
from tests.searcher.problems import decided, problem

LOOKING = [name for name, selection in SELECTIONS.items() if issubclass(selection, Looking)]
FEW = {"scored": {"top_k": 2}, "sampled": {"samples": 5}, "perturbation": {}}


def selected(name: str, search, hypernet, looks=None) -> Choice:
    assert search.config.strategy.select.kind == name
    looking = search.config.strategy.select.select(search, hypernet, 7, looks or Looks())
    while True:
        try:
            next(looking)
        except StopIteration as stop:
            return stop.value


@pytest.mark.parametrize("relaxation", ["shared", "split"])
@pytest.mark.parametrize("name", LOOKING)
def test_one_that_was_stopped_measures_the_rest(name, relaxation):
    search = problem(relaxation=relaxation, select=name, **FEW[name])
    whole = Looks()
    choice = selected(name, search, decided(search), whole)
    assert choice.candidates == whole.count == len(whole.values)
    rest = Counted(whole.values[:-2])
    assert selected(name, search, decided(search), rest) == choice
    assert rest.measured == 2
    assert rest.values == whole.values


class Counted(Looks):
    measured = 0

    def __call__(self, measure):
        def counted():
            self.measured += 1
            return measure()

        return super().__call__(counted)


@pytest.mark.parametrize("relaxation", ["shared", "split"])
@pytest.mark.parametrize("name", LOOKING)
@pytest.mark.parametrize("rule", ["paper", "official"])
def test_what_is_selected(name, relaxation, rule):
    search = problem(relaxation=relaxation, derive=rule, select=name, **FEW[name])
    choice = selected(name, search, decided(search))
    again = selected(name, search, decided(search))
    assert choice == again
    assert choice.candidates >= 5
    assert choice.score == inherited_score(search, decided(search), choice.genotype, calibration_batches(search))
    reads = [frozenset(cell.inputs) for cell in choice.genotype.cells]
    assert len(set(reads)) == len(reads)
    if rule == "official":
        assert all(name.startswith(("A", "B")) for pair in reads for name in pair)
        assert all(len(set(step.inputs)) == 2 for cell in choice.genotype.cells for step in cell.steps)
    in_order = choice.genotype.model_copy(
        update={
            "cells": tuple(cell.model_copy(update={"inputs": ordered(cell.inputs)}) for cell in choice.genotype.cells)
        }
    )
    assert search.space.rules == (PAPER if rule == "paper" else OFFICIAL)
    assert in_order in search.space


def ordered(names):
    return tuple(sorted(names, key=lambda name: (name.startswith("Cell"), name)))


def test_the_scored_one_is_the_best_of_its_candidates():
    """With more candidates at every choice the loss of the best can only be found again, or a better score."""
    search = problem(relaxation="split", cells=1, steps=1)
    everything = problem(relaxation="split", cells=1, steps=1, top_k=1000)
    hypernet = decided(search)
    assert selected("scored", everything, hypernet).score >= selected("scored", search, hypernet).score
