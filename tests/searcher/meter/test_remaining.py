"""The time left: exact where costs are true, told as soon as something is known, and never of what is over."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from bmnas.searcher.meter.remaining import Remaining, in_words, took
from bmnas.searcher.outline import Stage


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def stages(*costs: float) -> list[Stage]:
    return [Stage(phase=f"{n}", kind="work", cost=cost) for n, cost in enumerate(costs)]


def work(remaining: Remaining, clock: Clock, phase: str, seconds: float, to: float, begin: float = 0.0) -> None:
    """A phase from one share to another, in as many seconds."""
    remaining.at(phase, begin)
    clock.time += seconds
    remaining.at(phase, to)


@given(st.lists(st.floats(0.5, 100), min_size=1, max_size=5), st.floats(0.1, 10), st.floats(0.01, 1), st.integers(0, 4))
def test_it_is_exact_where_all_work_has_the_same_speed(costs, speed, share, at):
    clock, at = Clock(), at % len(costs)
    remaining = Remaining(clock)
    remaining.expect(stages(*costs))
    for n, cost in enumerate(costs[:at]):
        work(remaining, clock, f"{n}", cost * speed, 1.0)
    work(remaining, clock, f"{at}", costs[at] * speed * share, share)
    left = speed * (costs[at] * (1 - share) + sum(costs[at + 1 :]))
    if clock.time - 100 >= 1:
        assert remaining.seconds() == pytest.approx(left)
    else:
        assert remaining.seconds() in (None, pytest.approx(left))


def test_nothing_is_said_of_what_is_not_known():
    clock = Clock()
    remaining = Remaining(clock)
    assert remaining.in_words() == ""
    work(remaining, clock, "backbone", 30, 0.5)
    assert remaining.in_words() == "about 30 s left"  # nobody has said that there is more
    remaining.expect([])
    assert remaining.in_words() == "estimating the time left; about 30 s for this"
    remaining.expect(stages(1, 1))
    work(remaining, clock, "0", 0.5, 0.1)
    assert remaining.in_words() == "estimating the time left"  # half a second is too little
    work(remaining, clock, "0", 9.5, 0.5, begin=0.1)
    assert remaining.in_words() == "about 30 s left"


def test_it_is_counted_up_to_what_nobody_can_tell_yet():
    clock = Clock()
    remaining = Remaining(clock)
    remaining.expect(stages(1, 1, 2), "the search")
    work(remaining, clock, "0", 10, 0.5)
    assert remaining.in_words() == "about 1 min left before the search"  # 10 s, 20 s and 40 s
    work(remaining, clock, "2", 20, 1.0)  # the second was passed by
    assert remaining.in_words() == ""
    remaining.at("beginning", 0.1)
    assert remaining.in_words() == "estimating the time left"
    remaining.expect(stages(1))
    assert remaining.is_one
    work(remaining, clock, "0", 10, 1.0, begin=0.5)
    assert not remaining.in_words()


def test_what_was_done_before_counts_for_nothing():
    clock = Clock()
    remaining = Remaining(clock)
    remaining.expect(stages(1))
    work(remaining, clock, "0", 10, 0.8, begin=0.6)
    assert remaining.seconds() == pytest.approx(10)


def test_phases_of_one_kind_are_measured_together():
    clock = Clock()
    remaining = Remaining(clock)
    slow = Stage(phase="slow", kind="hypernet", cost=10)
    quick = [Stage(phase=name, kind="network", cost=10) for name in ("a", "b")]
    remaining.expect([slow, *quick])
    work(remaining, clock, "slow", 100, 1.0)
    assert remaining.seconds() == pytest.approx(200)
    work(remaining, clock, "a", 2, 1.0)
    assert remaining.seconds() == pytest.approx(2)


def test_a_later_outline_knows_better_and_what_is_passed_by_is_over():
    clock = Clock()
    remaining = Remaining(clock)
    remaining.expect(stages(1, 1, 1))
    work(remaining, clock, "0", 10, 1.0)
    remaining.expect([Stage(phase="1", kind="work", cost=0.5), Stage(phase="new", kind="work", cost=0.5)])
    assert remaining.seconds() == pytest.approx(20)
    remaining.at("2", 0.0)
    assert remaining.seconds() == pytest.approx(10)
    remaining.over("2")
    assert remaining.seconds() == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "about 5 s"), (42, "about 40 s"), (59, "about 1 min"), (200, "about 3 min"), (7900, "about 2 h 10 min")],
)
def test_times_as_people_say_them(seconds, words):
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.31, "0.3 s"), (42.4, "42 s"), (200, "3 min 20 s"), (180, "3 min"), (7800, "2 h 10 min")]
)
def test_times_that_are_over(seconds, words):
    assert took(seconds) == words
