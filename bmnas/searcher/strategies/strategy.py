"""What a strategy is: a generator of events that can be stopped at any of them and go on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from bmnas.fit.events import Event
from bmnas.searcher.outline import Stage
from bmnas.searcher.problem import Problem
from bmnas.searcher.settings import StrategySettings
from bmnas.tasks import Tick


@dataclass
class Best:
    """The best round of one seed so far."""

    score: float | None = None
    round: int = 0


class Strategy(ABC):
    """One way of searching. A subclass is a file of its own, and a line in `bmnas.searcher.strategies`.

    Args:
        problem: what is searched on.

    Attributes:
        Settings: the class of its own settings; its ``kind`` is the strategy's name. They become options of the
            command line by themselves.
        batches_seeds: whether all seeds of the problem are searched as one computation; else the problem has one.
        ties: whether of rounds with equal scores the last one is the best.
        best_on_test: whether the trainings at the end are scored by their best epoch on the test split: a habit of the
            released code, which gives no estimate of anything.
        settings: its own, an instance of `Settings`.
        best: the best round of each seed.
    """

    Settings: ClassVar[type[StrategySettings]]
    batches_seeds: ClassVar[bool] = False
    ties: ClassVar[bool] = False
    best_on_test: bool = False

    # A subclass declares it as its own `Settings`; what can be set again may not get a narrower type, but for this one.
    settings: Any

    def __init__(self, problem: Problem) -> None:
        self.problem, self.settings = problem, problem.config.strategy
        self.best = [Best() for _ in problem.seeds]

    @abstractmethod
    def events(self) -> Iterator[Event]:
        """Do what remains of the search.

        At every `Pause`, and after the last event, `state` is all there is to know. A `Pause` follows the `RoundDone`
        events of all seeds, for a checkpoint of what they brought. Other events are reported as they are.
        """

    @property
    @abstractmethod
    def rounds(self) -> int:
        """How many rounds are done; the highest number of one, if seeds stop at different ones."""

    @property
    def place(self) -> str:
        """Where the search stands, as a part of a sentence."""
        return f"after round {self.rounds}" if self.rounds else "in the first round"

    @property
    def goes_on(self) -> str:
        """Where the search goes on, as a part of a sentence."""
        return f"after round {self.rounds}"

    @property
    def tick(self) -> Tick:
        """How far it is, for displays."""
        return Tick("search", self.rounds, 0, unit="rounds")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The phases that its ticks are of, with what they cost; none where it cannot say."""
        return ()

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that the rest of the search depends on: tensors and plain values only.

        Raises:
            Diverged: the search has left the finite numbers, so that nothing can be continued from here.
        """

    @abstractmethod
    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""

    def _is_best(self, k: int, score: float, round: int) -> bool:
        """Note a round of seed k, and whether it is the best so far."""
        if not self.problem.better(score, self.best[k].score, ties=self.ties):
            return False
        self.best[k] = Best(score, round)
        return True

    def _best_state(self) -> list[dict[str, Any]]:
        return [asdict(best) for best in self.best]

    def _load_best(self, state: list[dict[str, Any]]) -> None:
        self.best = [
            Best(None if item["score"] is None else float(item["score"]), int(item["round"])) for item in state
        ]
        if len(self.best) != len(self.problem.seeds):
            raise ValueError("the state is of another number of seeds")
