"""What several seeds have in common."""

from __future__ import annotations

import pytest

from bmnas.searcher.events import Row
from bmnas.searcher.run.summary import seconds_of, summary_of
from tests.searcher.problems import problem


def test_rows_and_choices_are_counted():
    space = problem(cells=1, steps=1, operations=("Sum", "ConcatFC")).space
    genotypes = [space[0], space[0], space[space.count - 1]]
    rows = [[Row(name="found", test=test, parameters=4, seconds=1.0)] for test in (0.5, 0.7, 0.6)]
    summary = summary_of([3, 4, 5], genotypes, [0.1, 0.2, 0.3], rows)
    assert summary.seeds == (3, 4, 5)
    assert summary.rows["found"].test.mean == pytest.approx(0.6)
    assert summary.rows["found"].test.std == pytest.approx(0.1)
    assert summary.validation.mean == pytest.approx(0.2)
    assert summary.features == {"A_1": 2, "A_2": 2, "B_2": 1, "B_3": 1}
    assert sum(summary.operations.values()) == 3


def test_one_seed_has_no_deviation():
    row = [Row(name="found", test=0.5, parameters=4, seconds=1.0)]
    assert summary_of([0], [problem().space[0]], [0.5], [row]).rows["found"].test.std == 0


def test_seeds_of_one_computation_share_its_time():
    epochs = [{"event": "EpochDone", "round": n, "seed": k, "seconds": 2.0} for n in (1, 2) for k in (0, 1)]
    candidates = [{"event": "CandidateDone", "round": n, "seed": k, "seconds": 3.0} for n in (1, 2) for k in (0, 1)]
    assert seconds_of(epochs) == 4
    assert seconds_of(candidates) == 12
