"""The search of MMnas: binary gates in a hypernet (Yu et al., ACM MM 2020; Cai et al., ICLR 2019), and GDAS in it.

Weights and alpha are trained on two shares of the training split, drawn by seed. Unlike in the released code alpha
begins even (its hand-made start is ``start="mcan-rsa"``), and operations that are not drawn stand still: there a
gradient of zero lets Adam move them on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bmnas.fit.clock import Clock
from bmnas.fit.events import Event, Pause
from bmnas.fit.seeding import seed_default, seeded, shuffled, stream
from bmnas.fit.watch import Diverged
from bmnas.pairs.hypernet import StackHypernet
from bmnas.pairs.problem import PairProblem
from bmnas.pairs.training import PairSteps, weight_optimizer, weight_schedule
from bmnas.searcher.events import EpochDone
from bmnas.searcher.strategies.strategy import Best
from bmnas.tasks import Tick

_WARM, _COLD = 10.0, 0.1  # of gdas: the temperature in the first and in the last epoch
_PRIOR = 1.0  # of the released start: alpha of the operations of its pattern, and minus it of the others


class Gates:
    """One search; it can be stopped at each pause.

    Args:
        problem: what is searched on.
    """

    def __init__(self, problem: PairProblem) -> None:
        self.problem, self.best = problem, Best()
        config, device = problem.config, problem.device
        with seeded(stream(config.seed, "gates", "weights"), device):
            self.hypernet = StackHypernet(problem.space).to(device)
        if config.start == "mcan-rsa":
            self._prefer_the_released_pattern()
        count = len(problem.train)
        order = shuffled(count, config.seed, "gates", "shares")
        held = max(2, round(config.held_out * count))
        own: dict[str, Any] = {"device": device}
        size, seed, objective = config.batch_size, config.seed, problem.objective
        self._steps = PairSteps(
            self.hypernet, objective, problem.train, size, seed, "gates", "weights", rows=order[held:], **own
        )
        self._arch = PairSteps(
            self.hypernet, objective, problem.train, size, seed, "gates", "alpha", rows=order[:held], **own
        )
        self._optimizer = weight_optimizer(self.hypernet.weights(), config)
        self._schedule = weight_schedule(self._optimizer, config, len(self._steps) * config.epochs)
        self._alphas = torch.optim.Adam(self.hypernet.alpha.parameters(), lr=config.arch_lr, betas=(0.0, 0.999))
        self._clock = Clock()
        self._epoch = self._step = 0
        self._losses: list[float] = []
        self._arch_losses: list[float] = []

    @property
    def rounds(self) -> int:
        """How many epochs are done."""
        return self._epoch

    @property
    def place(self) -> str:
        """Where the search stands, as a part of a sentence."""
        return f"in epoch {self._epoch + 1} of {self.problem.config.epochs}"

    @property
    def goes_on(self) -> str:
        """Where the search goes on, as a part of a sentence."""
        return f"at epoch {self._epoch + 1} of {self.problem.config.epochs}"

    @property
    def tick(self) -> Tick:
        """How far it is, for displays."""
        part = self._step / max(1, len(self._steps))
        return Tick("search", self._epoch + part, self.problem.config.epochs, unit="epochs")

    def events(self) -> Iterator[Event]:
        """Do what remains of the search."""
        config = self.problem.config
        self._clock.start()
        while self._epoch < config.epochs:
            if config.budget_seconds is not None and self._clock.spent >= config.budget_seconds:
                return
            yield from self._rest_of_epoch()
            yield self._epoch_done()
            yield Pause()

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the search depends on: tensors and plain values only.

        Raises:
            Diverged: a loss is no finite number.
        """
        self._check()
        return {
            "hypernet": self.hypernet.state_dict(),
            "weights": self._optimizer.state_dict(),
            "alphas": self._alphas.state_dict(),
            "schedule": self._schedule.state_dict(),
            "steps": self._steps.state(),
            "arch": self._arch.state(),
            "epoch": self._epoch,
            "step": self._step,
            "losses": self._losses,
            "arch_losses": self._arch_losses,
            "best": [self.best.score, self.best.round],
            "clock": self._clock.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        self.hypernet.load_state_dict(state["hypernet"])
        self._optimizer.load_state_dict(state["weights"])
        self._alphas.load_state_dict(state["alphas"])
        self._schedule.load_state_dict(state["schedule"])
        self._steps.load_state(state["steps"])
        self._arch.load_state(state["arch"])
        self._epoch, self._step = int(state["epoch"]), int(state["step"])
        self._losses, self._arch_losses = list(state["losses"]), list(state["arch_losses"])
        score, number = state["best"]
        self.best = Best(None if score is None else float(score), int(number))
        self._clock.load_state(state["clock"])

    def _rest_of_epoch(self) -> Iterator[Pause]:
        config, number = self.problem.config, self._epoch + 1
        learns_alpha = self._epoch >= math.floor(config.arch_start * config.epochs)
        taken = self._step // config.arch_every if learns_alpha else 0
        held_out = list(self._arch.left(number, 0)) if learns_alpha else []
        with seeded(0, self.problem.device):
            for rows in self._steps.left(number, self._step):
                self._weight_step(number, rows)
                self._step += 1
                if learns_alpha and self._step % config.arch_every == 0:
                    self._architecture_step(number, held_out[taken % len(held_out)])
                    taken += 1
                yield Pause()

    def _weight_step(self, epoch: int, rows: Tensor) -> None:
        self.hypernet.train()
        self._seed("weights", epoch)
        self.hypernet.choose(self._drawn())
        self._optimizer.zero_grad()
        loss = self._steps.loss(rows)(slice(None))
        loss.backward()
        # Operations that were not drawn have no gradient, and the optimiser passes them over.
        self._optimizer.step()
        self._schedule.after_step()
        self._losses.append(float(loss))

    def _architecture_step(self, epoch: int, rows: Tensor) -> None:
        self.hypernet.train()
        self._seed("alpha", epoch)
        self.hypernet.choose(self._drawn(), "full")
        loss = self._arch.loss(rows)(slice(None))
        loss.backward()
        self.hypernet.alpha_gradients()
        for weight in self.hypernet.weights():
            weight.grad = None
        self._alphas.step()
        self._arch_losses.append(float(loss))

    def _drawn(self) -> list[int]:
        if self.problem.config.strategy == "gates":
            return self.hypernet.sample()
        temperature = _WARM + (_COLD - _WARM) * self._epoch / max(1, self.problem.config.epochs - 1)
        noisy = [
            (alpha.detach().cpu() - torch.empty(len(alpha)).exponential_().log()) / temperature
            for alpha in self.hypernet.alpha
        ]
        return [int(each.argmax()) for each in noisy]

    def _epoch_done(self) -> EpochDone:
        self._check()
        self._epoch, self._step = self._epoch + 1, 0
        digits = self.hypernet.best()
        self.hypernet.choose(digits)
        score = self.problem.score(self.hypernet)
        # Of equals the later one: alpha has learnt more.
        better = self.best.score is None or score >= self.best.score
        if better:
            self.best = Best(score, self._epoch)
        arch = self._arch_losses
        event = EpochDone(
            seed=self.problem.config.seed,
            round=self._epoch,
            rounds=self.problem.config.epochs,
            score=score,
            trainings=1,
            candidates=self._epoch,
            seconds=self._clock.lap(),
            genotype=self.problem.genotype(digits),
            # What alpha says in the end is what the search has found.
            best=True,
            loss=sum(self._losses) / max(1, len(self._losses)),
            arch_loss=sum(arch) / len(arch) if arch else None,
            lr=self._schedule.lr,
            parameter_free=0.0,
        )
        self._losses, self._arch_losses = [], []
        return event

    def _seed(self, what: str, epoch: int) -> None:
        place = (self.problem.config.seed, "gates", what, epoch, self._step)
        seed_default(stream(*place), self.problem.device)

    def _check(self) -> None:
        if not all(math.isfinite(loss) for loss in (*self._losses, *self._arch_losses)):
            raise Diverged(
                f"the search diverged in epoch {self._epoch + 1}: a loss is no finite number; try a smaller lr than "
                f"{self.problem.config.lr}"
            )

    def _prefer_the_released_pattern(self) -> None:
        """As in the released code: in turns SA, FFN in the encoder, and RSA, GA, FFN in the decoder."""
        patterns = (("SelfAttention", "FeedForward"), ("RelationAttention", "GuidedAttention", "FeedForward"))
        place = 0
        for pools, pattern in zip(self.problem.space.pools, patterns, strict=True):
            for number, pool in enumerate(pools):
                preferred = pattern[number % len(pattern)]
                with torch.no_grad():
                    self.hypernet.alpha[place].copy_(
                        torch.tensor([_PRIOR if op == preferred else -_PRIOR for op in pool])
                    )
                place += 1
