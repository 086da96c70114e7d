"""Seconds of rounds, over several processes."""

from __future__ import annotations

import pytest

from bmnas.fit.clock import Clock


@pytest.fixture
def at(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def set_to(seconds: float) -> None:
        now[0] = seconds

    return set_to


def test_rounds_are_measured_one_after_the_other(at):
    clock = Clock()
    at(5)
    clock.start()
    at(7)
    assert clock.lap() == 2
    at(10)
    assert clock.lap() == 3
    assert clock.spent == 5


def test_a_round_goes_on_in_another_process(at):
    first = Clock()
    at(2)
    first.lap()
    at(3)
    state = first.state()
    at(100)
    second = Clock()
    at(200)
    second.load_state(state)
    second.start()
    at(204)
    assert second.lap() == 5
    assert second.spent == 7
