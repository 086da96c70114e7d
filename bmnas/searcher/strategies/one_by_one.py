"""Several seeds of a strategy that knows only one: one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bmnas.fit.events import Event
from bmnas.searcher.outline import Stage
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies.strategy import Strategy
from bmnas.tasks import Tick


class OneByOne(Strategy):
    """Searches with each seed of the problem by itself.

    Args:
        problem: of several seeds.
        kind: the strategy.
    """

    def __init__(self, problem: Problem, kind: type[Strategy]) -> None:
        super().__init__(problem)
        self._kind, self.best_on_test = kind, kind.best_on_test
        self._done: list[int] = []  # rounds of the seeds that are through
        self._at = self._next()

    def events(self) -> Iterator[Event]:
        """See `Strategy.events`."""
        while True:
            k = len(self._done)
            for event in self._at.events():
                self.best[k] = self._at.best[0]
                yield event
            if k + 1 == len(self.problem.seeds):
                return
            self._done.append(self._at.rounds)
            self._at = self._next()

    @property
    def rounds(self) -> int:
        """See `Strategy.rounds`."""
        return max([*self._done, self._at.rounds])

    @property
    def place(self) -> str:
        """See `Strategy.place`."""
        return f"{self._at.place} of seed {self._at.problem.config.seed}"

    @property
    def goes_on(self) -> str:
        """See `Strategy.goes_on`."""
        return f"{self._at.goes_on} of seed {self._at.problem.config.seed}"

    @property
    def tick(self) -> Tick:
        """See `Strategy.tick`."""
        own = self._at.tick
        return replace(own, phase=_of(own.phase, self._at.problem.config.seed))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """See `Strategy.stages`."""
        own = self._at.stages
        return tuple(
            stage.model_copy(update={"phase": _of(stage.phase, seed)}) for seed in self.problem.seeds for stage in own
        )

    def state(self) -> dict[str, Any]:
        """See `Strategy.state`."""
        return {"done": self._done, "best": self._best_state(), "at": self._at.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Strategy.load_state`."""
        self._done = [int(rounds) for rounds in state["done"]]
        self._load_best(state["best"])
        self._at = self._next()
        self._at.load_state(state["at"])

    def _next(self) -> Strategy:
        seed = self.problem.seeds[len(self._done)]
        config = self.problem.config.model_copy(update={"seed": seed, "seeds": 1})
        return self._kind(replace(self.problem, config=config))


def _of(phase: str, seed: int) -> str:
    return f"{phase}, seed {seed}"
