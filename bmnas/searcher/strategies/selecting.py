"""The selection at the end of a search with a hypernet, for one seed after the other; it can be stopped and goes on."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from torch import Tensor

from bmnas.fit.events import Event, Pause
from bmnas.searcher.hypernet import Hypernet, of_seed
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections import Choice, Looking, Looks
from bmnas.searcher.selections.choice import Selection
from bmnas.searcher.settings import SelectionSettings


class Selecting:
    """Selects a genotype of each seed.

    Args:
        problem: what is searched on.
        selection: how.

    Attributes:
        done: whether all seeds are through, or nothing is to be selected.
    """

    def __init__(self, problem: Problem, selection: SelectionSettings) -> None:
        self._problem, self._selection = problem, selection
        self.done = not isinstance(selection, Looking)
        # Of seeds that have stopped before the others, the hypernet as it was then.
        self._ended: dict[int, dict[str, Tensor]] = {}
        self._looks: list[Looks] = []  # of the seeds that are through, or under way

    @property
    def looks(self) -> int:
        """How much has been looked at; 0 before the selection begins."""
        return sum(len(looks.values) for looks in self._looks)

    @property
    def most(self) -> int:
        """How much is looked at, about; 0 where nobody knows."""
        if not isinstance(self._selection, Looking):
            return 0
        return self._selection.most_looks(self._problem) * len(self._problem.seeds)

    def keep(self, hypernet: Hypernet, running: list[bool]) -> None:
        """Keep what seeds are that stop now, where others train on: their hypernets are one."""
        if self.done or not any(running):
            return
        for k, goes_on in enumerate(running):
            if not goes_on and k not in self._ended:
                self._ended[k] = of_seed(hypernet, k).state_dict()

    def choices(self, hypernet: Hypernet, seconds: float) -> Generator[Event, None, list[Choice]]:
        """Select what is not selected yet; a checkpoint is asked for whenever so many seconds have passed."""
        found: list[Choice] = []
        for k, seed in enumerate(self._problem.seeds):
            if k == len(self._looks):
                self._looks.append(Looks())
            own = of_seed(hypernet, k)
            if k in self._ended:
                own.load_state_dict(self._ended[k])
            assert isinstance(self._selection, Looking)
            selection = self._selection.select(self._problem, own, seed, self._looks[k])
            found.append((yield from _saved_now_and_then(selection, seconds)))
        self._looks, self.done = [], True
        return found

    def state(self) -> dict[str, Any]:
        """Tensors and plain values."""
        return {"done": self.done, "ended": self._ended, "looks": [looks.values for looks in self._looks]}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self.done = bool(state["done"])
        self._ended = {int(k): dict(own) for k, own in state["ended"].items()}
        self._looks = [Looks([float(value) for value in values]) for values in state["looks"]]


def _saved_now_and_then(selection: Selection, seconds: float) -> Selection:
    since = time.perf_counter()
    while True:
        try:
            next(selection)
        except StopIteration as end:
            choice: Choice = end.value
            return choice
        due = time.perf_counter() - since >= seconds
        since = time.perf_counter() if due else since
        yield Pause(save=due)
