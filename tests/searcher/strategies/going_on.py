"""Searches that are stopped and continued."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import torch

from bmnas.fit.events import Event
from bmnas.searcher.events import RoundDone
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies import Strategy, strategy_of


def rounds(events: Iterator[Event]) -> list[dict[str, Any]]:
    """What the rounds of a search gave, without the time they took."""
    return [
        {**event.model_dump(exclude={"seconds"}), "genotype": event.genotype}
        for event in events
        if isinstance(event, RoundDone)
    ]


def stopped_and_continued(problem: Problem, stop: Callable[[int], bool]) -> list[dict[str, Any]]:
    """The rounds of a search that is stopped wherever ``stop`` says so of the number of events that there have been.

    It goes on from its saved state in a new strategy. Between the rounds of seeds that end together there is no state,
    so it stops after the last of them.
    """
    done: list[dict[str, Any]] = []
    saved: bytes | None = None
    count, stopped = 0, True
    while stopped:
        strategy, stopped, due = _restored(problem, saved), False, False
        events = strategy.events()
        for event in events:
            count += 1
            done += rounds(iter([event]))
            due = due or stop(count)
            if due and not (isinstance(event, RoundDone) and event.seed != problem.seeds[-1]):
                saved, stopped = _saved(strategy), True
                break
        events.close()
        torch.rand(3)  # what happens in between does not matter
    return done


def _saved(strategy: Strategy) -> bytes:
    file = io.BytesIO()
    torch.save(strategy.state(), file)
    return file.getvalue()


def _restored(problem: Problem, saved: bytes | None) -> Strategy:
    strategy = strategy_of(problem)
    if saved is not None:
        strategy.load_state(torch.load(io.BytesIO(saved), weights_only=True))
    return strategy
