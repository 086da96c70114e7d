"""Candidates: genotypes drawn without repetition, and the training of one by itself, which can be stopped at any step.

A candidate is trained from fresh weights on the training split alone and scored on the validation split. Everything
random depends on the seed, the candidate's number and the step, so that what was interrupted goes on as if it had not
been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bmnas.compiler import compile_genotype
from bmnas.compiler.ensemble import member_genotype
from bmnas.fit.events import EpochEnd, MicroBatch, Pause
from bmnas.fit.order import epoch_order
from bmnas.fit.seeding import seed_default, seeded, stream
from bmnas.fit.watch import Diverged
from bmnas.genotype import Genotype, dumps
from bmnas.genotype.canonical import hash_or_none
from bmnas.searcher.inherit import validated
from bmnas.searcher.losing import losing
from bmnas.searcher.network_fit import network_fit
from bmnas.searcher.problem import Problem

TRIES = 1000  # draws in a row that bring nothing new, after which a space counts as used up


class Distinct:
    """Genotypes no two of which compute the same: they have different canonical forms.

    Args:
        seen: those that have been drawn before.
    """

    def __init__(self, seen: Iterable[Genotype] = ()) -> None:
        self._seen = {_key(genotype) for genotype in seen}

    def first_new(self, draw: Callable[[], Genotype], tries: int = TRIES) -> Genotype | None:
        """The first genotype drawn that is like none before; ``None`` if so many tries give none."""
        for _ in range(tries):
            genotype = draw()
            key = _key(genotype)
            if key not in self._seen:
                self._seen.add(key)
                return genotype
        return None


def _key(genotype: Genotype) -> str:
    # A genotype too large for a canonical form is only compared as it is written.
    return hash_or_none(genotype) or dumps(genotype)


class CandidateTraining:
    """The training of one candidate.

    Args:
        problem: what is searched on; its epochs and optimiser settings are the training's.
        genotype: of the problem's space.
        seed: of the search.
        number: of the candidate in the search, from 1.

    Attributes:
        genotype: the candidate.
        network: that of the candidate.
        fit: what trains it.
        loss: mean loss of the last epoch that is done.
        score: on the validation split, when all steps are done.
    """

    def __init__(self, problem: Problem, genotype: Genotype, seed: int, number: int) -> None:
        self.genotype = genotype
        self.loss, self.score = math.nan, math.nan
        self._problem, self._seed, self._number = problem, seed, number
        names = ("candidate", number)
        with seeded(stream(seed, *names), problem.device):
            self.network = compile_genotype(member_genotype(genotype)).to(problem.device)
        if problem.anchor:
            problem.anchor.begin(self.network)

        def seed_step(epoch: int, *rest: int) -> None:
            # In these streams epochs are counted from 0.
            seed_default(stream(seed, *names, epoch - 1, *rest), problem.device)

        self.fit = network_fit(
            self.network,
            problem.task,
            problem.train,
            problem.config,
            epochs=problem.config.epochs,
            order=lambda epoch: epoch_order(problem.train, problem.config.batch_size, seed, *names, epoch),
            seed=seed_step,
            subject=self._name,
            heads=problem.anchor.fit if problem.anchor else None,
            lose=losing(self.network.genotype, problem.store, problem.config, problem.device, seed, *names),
        )

    @property
    def place(self) -> str:
        """Where the training stands, as a part of a sentence."""
        return f"candidate {self._number}, {self.fit.place}"

    def steps(self) -> Iterator[Pause | MicroBatch]:
        """Do what remains of the training, a pause after each step, and score the network.

        Raises:
            Diverged: a loss, a weight or the score is no number.
        """
        for event in self.fit.steps():
            if isinstance(event, EpochEnd):
                self.loss = event.losses["weights"]
            else:
                yield event
        self.score = validated(self.network, self._problem)
        if not math.isfinite(self.score):
            raise Diverged(
                f"{self._name} diverged: its score is {self.score}; try a smaller lr than {self._problem.config.lr}"
            )

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on: tensors and plain values only.

        Raises:
            Diverged: a loss or a weight is no finite number.
        """
        return {"number": self._number, "fit": self.fit.state(), "loss": self.loss}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        if state["number"] != self._number:
            raise ValueError("the state is of another candidate")
        self.fit.load_state(state["fit"])
        self.loss = float(state["loss"])

    @property
    def _name(self) -> str:
        return f"candidate {self._number} of seed {self._seed}"
