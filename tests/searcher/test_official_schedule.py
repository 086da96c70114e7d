"""The released code's step sizes, restarts included."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.searcher.strategies.released_schedule import OfficialCosine
from tests import golden


def of_case(case: dict) -> OfficialCosine:
    rates, batches = (case["eta_max"], case["eta_min"]), case["batches_per_epoch"]
    return OfficialCosine(*rates, batches_per_epoch=batches, period=case["Ti"], factor=case["Tm"])


@pytest.mark.parametrize("case", golden.cases("scheduler"))
def test_every_step_size_equals_the_released_codes(case):
    schedule = of_case(case)
    ours = torch.tensor([schedule.step() for _ in range(case["steps"])], dtype=torch.float64)
    theirs = golden.table(case["id"])
    assert ours.shape == theirs.shape
    assert ((ours - theirs).abs() <= 1e-9 * theirs).all()


@pytest.mark.parametrize("case", golden.cases("scheduler"))
def test_a_checkpoint_goes_on_at_any_step(case):
    whole = of_case(case)
    want = [whole.step() for _ in range(case["steps"])]
    for at in (0, 1, 162, 163, 400, case["steps"] - 1):
        first = of_case(case)
        for _ in range(at):
            first.step()
        state = json.loads(json.dumps(first.state_dict()))
        second = of_case(case)
        second.load_state_dict(state)
        assert second.lr == first.lr
        assert [second.step() for _ in range(at, case["steps"])] == want[at:]


def test_a_restart_is_missed_where_no_step_comes_near_the_end():
    hit = OfficialCosine(1e-3, 0.0, batches_per_epoch=10)
    missed = OfficialCosine(1e-3, 0.0, batches_per_epoch=10.5)
    hits = [hit.step() for _ in range(40)]
    misses = [missed.step() for _ in range(22)]
    assert hits[11] == 1e-3  # at once the greatest again
    assert (hits[31], hits[32]) == (0, 1e-3)  # the second period is twice as long
    assert 0 < min(misses) == misses[10]
    assert misses[11] == pytest.approx(misses[10])  # up as slowly as down
    assert misses[21] == pytest.approx(1e-3)


@given(st.floats(1e-6, 1), st.floats(0, 1), st.floats(1, 500), st.integers(1, 5), st.integers(1, 3))
def test_it_stays_between_its_bounds(lr, share, batches, period, factor):
    schedule = OfficialCosine(lr, share * lr, batches, period=period, factor=factor)
    assert schedule.lr == lr == pytest.approx(schedule.step(), rel=1e-12)
    for _ in range(50):
        assert share * lr <= schedule.step() * (1 + 1e-12)
        assert schedule.lr <= lr * (1 + 1e-12)
