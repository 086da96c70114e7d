"""Random search and evolution of encoder-decoder networks: candidates that are trained one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

from bmnas.compiler.stacks import StackNetwork
from bmnas.fit.clock import Clock
from bmnas.fit.events import Event, Pause, TrainingEpochDone
from bmnas.fit.seeding import seeded, stream
from bmnas.fit.watch import Diverged
from bmnas.genotype.numbers import below
from bmnas.genotype.stacks import StackGenotype
from bmnas.genotype.stacks.canonical import canonical_hash
from bmnas.pairs.problem import PairProblem
from bmnas.pairs.training import PairTraining
from bmnas.searcher.events import CandidateDone
from bmnas.searcher.strategies.strategy import Best
from bmnas.tasks import Tick

_TRIES = 1000  # draws in a row that bring nothing new, after which a space counts as used up
_CROSSED = 4  # one child in so many has two parents


class Candidates:
    """One search; no two candidates compute the same. It can be stopped at each pause.

    Args:
        problem: what is searched on; its settings say whether candidates are drawn at random, or evolve (Real et al.,
            AAAI 2019: the population is the latest candidates, a parent the best of a tournament).
    """

    def __init__(self, problem: PairProblem) -> None:
        self.problem, self.best = problem, Best()
        self._done: list[tuple[int, float]] = []
        self._seen: set[str] = set()
        self._training: PairTraining | None = None
        self._genotype: StackGenotype | None = None
        self._loss = math.nan
        self._clock = Clock()

    @property
    def rounds(self) -> int:
        """How many candidates are done."""
        return len(self._done)

    @property
    def place(self) -> str:
        """Where the search stands, as a part of a sentence."""
        return f"in candidate {len(self._done) + 1}"

    @property
    def goes_on(self) -> str:
        """Where the search goes on, as a part of a sentence."""
        return f"at candidate {len(self._done) + 1} of {self.problem.config.budget_trainings}"

    @property
    def tick(self) -> Tick:
        """How far it is, for displays."""
        part = self._training.fit.passed / self.problem.config.epochs if self._training else 0.0
        total = self.problem.config.budget_trainings
        return Tick("candidates", len(self._done) + part, total, unit="candidates")

    def events(self) -> Iterator[Event]:
        """Do what remains of the search."""
        self._clock.start()
        while self._training or self._running():
            if self._training is None and not self._begin():
                return
            assert self._training is not None
            for event in self._training.steps():
                if isinstance(event, TrainingEpochDone):
                    self._loss = event.loss
                else:
                    yield event
            yield self._candidate_done()
            yield Pause()

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the search depends on: tensors and plain values only."""
        return {
            "candidates": [hex(index) for index, _ in self._done],
            "scores": [score for _, score in self._done],
            "best": [self.best.score, self.best.round],
            "training": self._training.state() if self._training else None,
            "loss": self._loss,
            "clock": self._clock.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        indices = [int(text, 16) for text in state["candidates"]]
        self._done = list(zip(indices, map(float, state["scores"]), strict=True))
        self._seen = {canonical_hash(self.problem.space[index]) for index in indices}
        score, number = state["best"]
        self.best = Best(None if score is None else float(score), int(number))
        self._loss = float(state["loss"])
        self._clock.load_state(state["clock"])
        self._training = None
        if state["training"] is not None:
            if not self._begin():
                raise ValueError("the state has a candidate that cannot be drawn")
            assert self._training is not None
            self._training.load_state(state["training"])

    def _running(self) -> bool:
        config = self.problem.config
        spent = config.budget_seconds is not None and self._clock.spent >= config.budget_seconds
        return len(self._done) < config.budget_trainings and not spent

    def _begin(self) -> bool:
        """The training of the next candidate; whether there is one."""
        config, number = self.problem.config, len(self._done) + 1
        rng = Random(stream(config.seed, "draw", number))
        for _ in range(_TRIES):
            genotype = self._draw(rng)
            if canonical_hash(genotype) not in self._seen:
                break
        else:
            return False
        self._seen.add(canonical_hash(genotype))
        names = ("candidate", number)
        with seeded(stream(config.seed, *names), self.problem.device):
            network = StackNetwork(genotype).to(self.problem.device)
        self._genotype = genotype
        self._training = PairTraining(
            network,
            self.problem.objective,
            self.problem.train,
            config,
            *names,
            device=self.problem.device,
            title=f"candidate {number} of seed {config.seed}",
        )
        return True

    def _draw(self, rng: Random) -> StackGenotype:
        space, config = self.problem.space, self.problem.config
        if config.strategy == "random" or len(self._done) < config.population:
            return space.random(rng)
        child = space.mutate(self._parent(rng), rng)
        if below(_CROSSED, rng) == 0:
            child = space.crossover(self._parent(rng), self._parent(rng), rng)
        return child

    def _parent(self, rng: Random) -> StackGenotype:
        population = self._done[-self.problem.config.population :]
        drawn = [population[below(len(population), rng)] for _ in range(self.problem.config.tournament)]
        return self.problem.space[max(drawn, key=lambda each: each[1])[0]]

    def _candidate_done(self) -> CandidateDone:
        assert self._training is not None
        assert self._genotype is not None
        score = self.problem.score(self._training.finished())
        if not math.isfinite(score):
            raise Diverged(f"candidate {len(self._done) + 1} diverged; try a smaller lr than {self.problem.config.lr}")
        self._done.append((self.problem.space.index(self._genotype), score))
        number = len(self._done)
        better = self.problem.better(score, self.best.score)
        if better:
            self.best = Best(score, number)
        event = CandidateDone(
            seed=self.problem.config.seed,
            round=number,
            rounds=self.problem.config.budget_trainings,
            score=score,
            trainings=number,
            candidates=number,
            seconds=self._clock.lap(),
            genotype=self._genotype,
            best=better,
            loss=self._loss,
        )
        self._training = self._genotype = None
        return event
