"""Looking at a hypernet piece by piece gives what its whole forward gives."""

from __future__ import annotations

from random import Random

import pytest

from bmnas.searcher.problem import Problem
from bmnas.searcher.selections import masked as masked_file
from bmnas.searcher.selections.choice import Partial
from bmnas.searcher.selections.looks import Looks
from bmnas.searcher.selections.masked import Masked
from tests.fit.test_memory import ERRORS
from tests.searcher.problems import decided, problem


@pytest.mark.parametrize("relaxation", ["shared", "split"])
def test_the_loss_is_that_of_the_whole_hypernet(relaxation):
    search = problem(relaxation=relaxation, cells=3)
    looks, rng = Looks(), Random(0)
    masked = Masked(search, decided(search), looks)
    for _ in range(25):
        choices = some_choices(search, rng, ordered=relaxation == "split")
        assert masked.loss(choices) == pytest.approx(masked.loss_of(masked.mixing(choices)), rel=1e-4)
    assert looks.count == 50


def test_a_choice_makes_a_difference():
    search = problem()
    masked = Masked(search, decided(search), Looks())
    losses = {masked.loss(Partial().with_cell(pair)) for pair in [(0, 1), (0, 2), (1, 0)]}
    assert len({*losses, masked.loss(Partial())}) == 4


def some_choices(search: Problem, rng: Random, ordered: bool) -> Partial:
    """The first choices of a genotype with three cells of two steps."""
    choices = Partial()
    for _ in range(rng.randint(0, 3)):
        choices = choices.with_cell(rng.choice(list(search.space.cell_may_read(choices.reads).ascending())))
        if ordered:
            choices = rng.choice([choices, *choices.turned()])
    if len(choices.reads) == 3:
        for at in range(rng.randint(0, 6)):
            tuples = search.space.step_may_read(at % 2)
            choices = choices.with_step(rng.randrange(4), rng.choice(list(tuples if ordered else tuples.sets())))
    return choices


def test_where_memory_runs_out_it_looks_in_smaller_parts(monkeypatch):
    search = problem()
    hypernet = decided(search)
    loss = Masked(search, hypernet, Looks()).loss(Partial())
    computed, seen = Masked._computed, []

    def failing(self, *arguments):
        seen.append(self._features[0][0].shape[1])
        if seen[-1] > 8:
            raise ERRORS[0]
        return computed(self, *arguments)

    monkeypatch.setattr(Masked, "_computed", failing)
    assert Masked(search, hypernet, Looks()).loss(Partial()) == pytest.approx(loss)
    assert seen == [24] * 5 + [16, 8, 8, 8]


def test_little_is_kept(monkeypatch):
    """Not more than the memory for it, but the cells of one look."""
    search = problem(cells=3)
    much, little = (Masked(search, decided(search), Looks()) for _ in range(2))
    choices = [some_choices(search, Random(n), ordered=True) for n in range(10)]
    wanted = [much.loss(each) for each in choices]
    monkeypatch.setattr(masked_file, "_BYTES", 1)
    assert [little.loss(each) for each in choices] == wanted
    assert len(little._kept) == 3 < len(much._kept)


def test_many_cells_take_no_longer_than_few():
    """What a cell depends on is not written out again for each cell that reads it."""
    search = problem(cells=40, steps=1)
    assert Masked(search, decided(search), Looks()).loss(Partial()) > 0
