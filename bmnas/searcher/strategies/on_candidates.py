"""What strategies share that train candidates by themselves, one after the other, until a budget is used up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic import Field

from bmnas.fit.clock import Clock
from bmnas.fit.events import Event, Pause
from bmnas.fit.seeding import stream
from bmnas.genotype import Genotype
from bmnas.genotype.space import Space
from bmnas.searcher.candidate import CandidateTraining, Distinct
from bmnas.searcher.events import CandidateDone
from bmnas.searcher.outline import NETWORK, Stage
from bmnas.searcher.problem import Problem
from bmnas.searcher.settings import SearchSettings, StrategySettings
from bmnas.searcher.strategies.strategy import Strategy
from bmnas.settings import shown
from bmnas.tasks import Tick


@dataclass(frozen=True)
class Scored:
    """A candidate of the problem's space that has been trained, and its score on the validation split."""

    genotype: Genotype
    score: float


class OnCandidates(Strategy):
    """Trains one candidate after the other, no two of which compute the same, each for the settings' epochs.

    A subclass says which comes next (`_draw`). It depends on `done` and the generator that it is given alone.

    Attributes:
        done: the candidates that have been trained, the first one first.
    """

    class Settings(StrategySettings):
        """How many candidates are trained."""

        budget_trainings: int | None = Field(
            default=None,
            ge=1,
            description="Candidates that are trained; 16 where budget_seconds is not given either.",
            json_schema_extra=shown("trainings"),
        )

        def most_trainings(self, shared: SearchSettings) -> int | None:
            """How many candidates are trained at most; ``None`` where the seconds alone decide."""
            return self.budget_trainings or (16 if shared.budget_seconds is None else None)

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.done: list[Scored] = []
        self._distinct = Distinct()
        self._training: CandidateTraining | None = None
        self._clock = Clock()

    @property
    def space(self) -> Space:
        """Where candidates come from."""
        return self.problem.space

    @abstractmethod
    def _draw(self, random: Random) -> Genotype:
        """A genotype of the space. If it computes what an earlier candidate does, it is asked again."""

    def _any(self, random: Random) -> Genotype:
        """A genotype of the space, drawn without looking at `done`: what is tried where `_draw` brings nothing new."""
        return self.space.random(random)

    def _written(self, genotype: Genotype) -> str:
        """A candidate, for the state."""
        # Hexadecimal, because an index may have any number of digits.
        return hex(self.space.index(genotype))

    def _read(self, written: str) -> Genotype:
        """What `_written` was given."""
        return self.space[int(written, 16)]

    def _result(self, genotype: Genotype) -> Genotype:
        """A candidate as the search gives it out."""
        return self.problem.genotype(genotype.cells, self.problem.config.seed)

    def _problem_of(self, number: int) -> Problem:
        """What a candidate is trained on and scored by, by its number."""
        return self.problem

    def events(self) -> Iterator[Event]:
        """See `Strategy.events`. The search ends early where no new candidate is found any more."""
        self._clock.start()
        while self._training or self._running():
            self._training = self._training or self._next()
            if self._training is None:
                return
            yield from self._training.steps()
            yield self._candidate_done(self._training)
            yield Pause()

    @property
    def rounds(self) -> int:
        """See `Strategy.rounds`."""
        return len(self.done)

    @property
    def place(self) -> str:
        """See `Strategy.place`."""
        return f"in {self._training.place}" if self._training else super().place

    @property
    def goes_on(self) -> str:
        """See `Strategy.goes_on`."""
        most = self._most_trainings()
        return f"at candidate {len(self.done) + 1}" + (f" of {most}" if most else "")

    @property
    def tick(self) -> Tick:
        """See `Strategy.tick`."""
        part = self._training.fit.passed / self.problem.config.epochs if self._training else 0.0
        return Tick("candidates", len(self.done) + part, self._most_trainings() or 0, unit="candidates")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """See `Strategy.stages`."""
        most = self._most_trainings()
        if most is None:
            return ()
        cost = NETWORK * most * self.problem.config.epochs * len(self.problem.train)
        return (Stage(phase="candidates", kind="network", cost=cost),)

    def state(self) -> dict[str, Any]:
        """See `Strategy.state`."""
        return {
            "candidates": [self._written(scored.genotype) for scored in self.done],
            "scores": [scored.score for scored in self.done],
            "best": self._best_state(),
            "clock": self._clock.state(),
            "training": self._training.state() if self._training else None,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Strategy.load_state`."""
        genotypes = [self._read(written) for written in state["candidates"]]
        self.done = [Scored(*pair) for pair in zip(genotypes, map(float, state["scores"]), strict=True)]
        self._distinct = Distinct(genotypes)
        self._load_best(state["best"])
        self._clock.load_state(state["clock"])
        self._training = None
        if state["training"] is not None:
            self._training = self._next()
            if self._training is None:
                raise ValueError("the state has a candidate that cannot be drawn")
            self._training.load_state(state["training"])

    def _most_trainings(self) -> int | None:
        settings: OnCandidates.Settings = self.settings
        return settings.most_trainings(self.problem.config)

    def _running(self) -> bool:
        config, rounds = self.problem.config, len(self.done)
        trainings, seconds, patience = self._most_trainings(), config.budget_seconds, config.patience
        return not (
            (trainings is not None and rounds >= trainings)
            or (seconds is not None and self._clock.spent >= seconds)
            or (patience is not None and rounds - self.best[0].round >= patience)
        )

    def _next(self) -> CandidateTraining | None:
        """The training of the next candidate, not begun yet."""
        seed, number = self.problem.config.seed, len(self.done) + 1
        random = Random(stream(seed, "draw", number))
        genotype = self._distinct.first_new(lambda: self._draw(random))
        genotype = genotype or self._distinct.first_new(lambda: self._any(random))
        return CandidateTraining(self._problem_of(number), genotype, seed, number) if genotype else None

    def _candidate_done(self, training: CandidateTraining) -> CandidateDone:
        seconds = self._clock.lap()
        self._training = None
        self.done.append(Scored(training.genotype, training.score))
        seed, number = self.problem.config.seed, len(self.done)
        return CandidateDone(
            seed=seed,
            round=number,
            rounds=self._most_trainings(),
            score=training.score,
            trainings=number,
            candidates=number,
            seconds=seconds,
            genotype=self._result(training.genotype),
            best=self._is_best(0, training.score, number),
            loss=training.loss,
        )
