"""Candidates: genotypes drawn without repetition, and the training of one by itself, which can be stopped at any step.

A candidate is trained from fresh weights on the training split alone and scored on the validation split. Everything
random depends on the seed, the candidate's number and the step, so that what was interrupted goes on as if it had not
been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

import torch
from torch import Tensor

from bmnas.compiler import compile_genotype
from bmnas.fit.diverged import Diverged
from bmnas.fit.events import MicroBatch, Pause
from bmnas.fit.micro_batches import MicroBatches
from bmnas.fit.order import epoch_order
from bmnas.fit.seeding import seed_default, seeded, stream
from bmnas.genotype import Genotype
from bmnas.genotype.canonical import hash_or_none
from bmnas.genotype.space import Space
from bmnas.searcher.inherit import validated
from bmnas.searcher.problem import Problem
from bmnas.searcher.schedule import Cosine
from bmnas.tasks import Samples

TRIES = 1000  # draws in a row that bring nothing new, after which a space counts as used up
_EVERY = 64  # steps on a GPU between two looks at the losses: a look waits for all that is under way


class Distinct:
    """Genotypes of a space, no two of which compute the same: they have different canonical forms.

    Args:
        space: the space.
        seen: those that have been drawn before.
    """

    def __init__(self, space: Space, seen: Iterable[Genotype] = ()) -> None:
        self._space = space
        self._seen = {self._key(genotype) for genotype in seen}

    def first_new(self, draw: Callable[[], Genotype], tries: int = TRIES) -> Genotype | None:
        """The first genotype drawn that is like none before; ``None`` if so many tries give none."""
        for _ in range(tries):
            genotype = draw()
            key = self._key(genotype)
            if key not in self._seen:
                self._seen.add(key)
                return genotype
        return None

    def _key(self, genotype: Genotype) -> str:
        # A genotype too large for a canonical form is only compared as it is written.
        return hash_or_none(genotype) or hex(self._space.index(genotype))


class CandidateTraining:
    """The training of one candidate.

    Args:
        problem: what is searched on; its epochs and optimiser settings are the training's.
        genotype: of the problem's space.
        seed: of the search.
        number: of the candidate in the search, from 1.

    Attributes:
        genotype: the candidate.
        loss: mean loss of the last epoch that is done.
        score: on the validation split, when all steps are done.
    """

    def __init__(self, problem: Problem, genotype: Genotype, seed: int, number: int) -> None:
        self.genotype = genotype
        self.loss, self.score = math.nan, math.nan
        self._problem, self._seed, self._number = problem, seed, number
        config = problem.config
        with seeded(stream(seed, "candidate", number), problem.device):
            self._network = compile_genotype(genotype).to(problem.device)
        self._optimizer = torch.optim.Adam(
            self._network.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )
        self._schedule = Cosine(config, self._optimizer, len(problem.train))
        self._micro = MicroBatches(self._network, problem.device)
        self._epoch = 0
        self._losses: list[Tensor] = []  # of this epoch's steps

    @property
    def place(self) -> str:
        """Where the training stands, as a part of a sentence."""
        return f"candidate {self._number}, after {len(self._losses)} steps of epoch {self._epoch + 1}"

    def steps(self) -> Iterator[Pause | MicroBatch]:
        """Do what remains of the training, a pause after each step, and score the network.

        Raises:
            Diverged: a loss or the score is no number.
        """
        self._network.train()
        while self._epoch < self._problem.config.epochs:
            for step, batch in self._batches():
                with seeded(0, self._problem.device):
                    self._descend(batch, step)
                yield from self._micro.news()
                yield Pause()
            self._check()
            self.loss = torch.stack(self._losses).mean().item()
            self._losses = []
            self._epoch += 1
            yield Pause(save=True)
        self.score = validated(self._network, self._problem)
        if not math.isfinite(self.score):
            raise Diverged(
                f"candidate {self._number} diverged: its score is {self.score}; try a smaller lr than "
                f"{self._problem.config.lr}"
            )

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on: tensors and plain values only.

        Raises:
            Diverged: a loss or a weight is no finite number.
        """
        self._check()
        if not all(tensor.isfinite().all() for tensor in self._network.state_dict().values()):
            self._diverged("a weight is no finite number", len(self._losses))
        return {
            "number": self._number,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "epoch": self._epoch,
            "micro_batch": self._micro.size,
            "loss": self.loss,
            "losses": torch.stack(self._losses) if self._losses else None,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        if state["number"] != self._number:
            raise ValueError("the state is of another candidate")
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._epoch, self.loss = int(state["epoch"]), float(state["loss"])
        self._micro.resume(state["micro_batch"])
        losses = state["losses"]
        self._losses = [] if losses is None else list(losses.to(self._problem.device))

    def _batches(self) -> Iterator[tuple[int, Samples]]:
        """The batches of this epoch that are not done yet, by number."""
        data, done = self._problem.train, len(self._losses)
        order = epoch_order(
            data, self._problem.config.batch_size, self._seed, "candidate", self._number, self._epoch + 1
        )
        return enumerate(data.batches(order[done:]), done)

    def _descend(self, batch: Samples, step: int) -> None:
        place = ("candidate", self._number, self._epoch, step)

        def loss(part: slice) -> Tensor:
            seed_default(stream(self._seed, *place, *([part.start] if part.start else [])), self._problem.device)
            own = batch[part]
            return self._problem.task.loss(self._network(own.features), own.labels)

        self._losses.append(self._micro.gradients(list(self._network.parameters()), loss, len(batch)))
        self._optimizer.step()
        self._schedule.after_step()
        every = 1 if self._problem.device.type == "cpu" else _EVERY
        if len(self._losses) % every == 0:
            self._check(len(self._losses) - every)

    def _check(self, begin: int = 0) -> None:
        """Raise where a loss since step ``begin`` of this epoch is no number."""
        losses = self._losses[begin:]
        for step, loss in enumerate(torch.stack(losses).tolist() if losses else [], begin):
            if not math.isfinite(loss):
                self._diverged(f"the loss is {loss}", step + 1)

    def _diverged(self, what: str, step: int) -> NoReturn:
        raise Diverged(
            f"candidate {self._number} diverged in step {step} of epoch {self._epoch + 1}: {what}; try a smaller lr "
            f"than {self._problem.config.lr}"
        )
