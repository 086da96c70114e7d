"""What strategies share that train a hypernet: epochs of weight steps and architecture steps, for K seeds at once.

In every epoch: a weight step on each training batch, an architecture step on each validation batch, a score on the
validation split, a derivation. After the last epoch a genotype is selected. The backbones never run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from bmnas.fit.diverged import Diverged
from bmnas.fit.events import Event, Pause
from bmnas.fit.graphs import Graphs, Inputs
from bmnas.fit.micro_batches import MicroBatches
from bmnas.fit.order import epoch_order
from bmnas.fit.seeding import seed_default, seeded, stream
from bmnas.fit.statistics import frozen_statistics
from bmnas.genotype import Genotype
from bmnas.searcher.clock import Clock
from bmnas.searcher.derive import derive
from bmnas.searcher.events import EpochDone, SelectionDone
from bmnas.searcher.hypernet import Mixing, of_seed
from bmnas.searcher.hypernet.network import Phase, Prepared
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.parameter_free import parameter_free
from bmnas.searcher.problem import Problem
from bmnas.searcher.schedule import schedule_of
from bmnas.searcher.sharpness import Sharpness
from bmnas.searcher.strategies.hypernet_settings import HypernetSettings
from bmnas.searcher.strategies.losses import Losses
from bmnas.searcher.strategies.new_hypernet import new_hypernet
from bmnas.searcher.strategies.seed_batch import Features, SeedBatch
from bmnas.searcher.strategies.selecting import Selecting
from bmnas.searcher.strategies.strategy import Best, Strategy
from bmnas.tasks import Data


class OnHypernet(Strategy):
    """Trains a hypernet of K seeds, derives a genotype after each epoch, selects one at the end.

    A subclass says which alternatives take part in a step (`_mixing`), and whether alpha, beta and gamma are learnt.

    Attributes:
        hypernet: that of all seeds.
        epoch: how many epochs are done.
    """

    batches_seeds = True
    learns_architecture = True
    # Whether an epoch's score is that of its genotype's network with inherited weights, instead of the hypernet's own.
    scores_genotypes = False

    settings: HypernetSettings

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.config, self.device = problem.config, problem.device
        self.train, self.validation = problem.train, problem.validation
        self.hypernet = new_hypernet(problem)
        self.generators = [torch.Generator(self.device) for _ in problem.seeds]
        self.weight_optimizer = torch.optim.Adam(
            self.hypernet.weights(), lr=self.config.lr, weight_decay=self.config.weight_decay, fused=True
        )
        self.arch_optimizer = torch.optim.Adam(
            self.hypernet.architecture(),
            lr=getattr(self.settings, "arch_lr", 1e-3),
            weight_decay=getattr(self.settings, "arch_weight_decay", 0.0),
            betas=(0.5, 0.999),
            fused=True,
        )
        self.schedule = schedule_of(
            self.config, getattr(self.settings, "restart_epochs", None), self.weight_optimizer, len(self.train)
        )
        self.sharpness = Sharpness(len(problem.seeds)) if getattr(self.settings, "sharpness", False) else None
        self.micro = MicroBatches(self.hypernet, self.device)
        self.graphs = Graphs(self.generators) if getattr(self.settings, "cuda_graphs", False) else None
        self.epoch = 0
        self._losses = Losses(problem)
        # Of the official protocol: outputs and labels of this epoch's architecture steps.
        self._scored: list[tuple[Tensor, Tensor]] = []
        self._clock = Clock()
        self._selecting = Selecting(problem, self.settings.select)

    def events(self) -> Iterator[Event]:
        """See `Strategy.events`."""
        self._clock.start()
        while self.epoch < self.config.epochs and self._running():
            with seeded(0, self.device):
                yield from self._weight_steps()
                yield from self._architecture_steps()
            yield from self._epoch_done()
        if not self._selecting.done:
            yield from self._select()

    @property
    def rounds(self) -> int:
        """See `Strategy.rounds`."""
        return self.epoch

    @property
    def place(self) -> str:
        """See `Strategy.place`."""
        weights, architecture = self._losses.done("weights"), self._losses.done("architecture")
        if self._selecting.looks:
            return f"in the selection after epoch {self.epoch}, after {self._selecting.looks} looks"
        if weights:
            also = f" and {architecture} on validation" if architecture else ""
            return f"in epoch {self.epoch + 1}, after {weights} steps on the training split{also}"
        return f"after epoch {self.epoch}" if self.epoch else "before the first step"

    def state(self) -> dict[str, Any]:
        """See `Strategy.state`."""
        self._losses.check(self.hypernet)
        return {
            "hypernet": self.hypernet.state_dict(),
            "weight_optimizer": self.weight_optimizer.state_dict(),
            "arch_optimizer": self.arch_optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "epoch": self.epoch,
            "losses": self._losses.state(),
            "scored": self._scored,
            "micro_batch": self.micro.size,
            "clock": self._clock.state(),
            "best": self._best_state(),
            "sharpness": self.sharpness.state() if self.sharpness else None,
            "selecting": self._selecting.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Strategy.load_state`."""
        self.hypernet.load_state_dict(state["hypernet"])
        self.weight_optimizer.load_state_dict(state["weight_optimizer"])
        self.arch_optimizer.load_state_dict(state["arch_optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.epoch = int(state["epoch"])
        self._losses.load_state(state["losses"], self.epoch + 1, self.device)
        self._scored = [(outputs.to(self.device), labels.to(self.device)) for outputs, labels in state["scored"]]
        self.micro.resume(state["micro_batch"])
        self._clock.load_state(state["clock"])
        self._load_best(state["best"])
        if self.sharpness:
            self.sharpness.load_state(state["sharpness"])
        self._selecting.load_state(state["selecting"])

    def genotypes(self) -> list[Genotype]:
        """What alpha, beta and gamma of each seed stand for now."""
        with torch.no_grad():
            weights = self.hypernet.mixing().cpu()
        return [
            self.problem.genotype(
                derive(
                    weights,
                    k,
                    features=[feature.name for feature in self.problem.task.features],
                    operations=self.config.operations,
                    cell_outputs=self.config.cell_outputs,
                    rule=self.config.derive,
                ),
                seed,
            )
            for k, seed in enumerate(self.problem.seeds)
        ]

    def _mixing(self, phase: Phase) -> Mixing | None:
        """The alternatives that take part in this step; ``None`` for all of them, as alpha, beta and gamma say."""
        return None

    def _weight_steps(self) -> Iterator[Event]:
        self.hypernet.train()
        weights = self.hypernet.weights()
        for batch in self._batches("weights", self.train, "train"):
            self.schedule.before_step()
            self._descend("weights", batch, weights, self.weight_optimizer)
            self.schedule.after_step()
            yield from self.micro.news()
            yield Pause()

    def _architecture_steps(self) -> Iterator[Event]:
        if not self.learns_architecture:
            return
        self.hypernet.train()
        official = self.best_on_test
        architecture = self.hypernet.architecture()
        with nullcontext() if official else frozen_statistics(self.hypernet):
            for batch in self._batches("architecture", self.validation, "validation"):
                # Gradients for the architecture alone: those of the weights would be computed and thrown away.
                self._descend("architecture", batch, architecture, self.arch_optimizer)
                if official:
                    with self.hypernet.noise(self.generators):
                        self._scored.append((self._outputs(batch), batch.labels()))
                yield from self.micro.news()
                yield Pause()

    def _batches(self, phase: Phase, data: Data, name: str) -> Iterator[SeedBatch]:
        """The batches of this phase that are not done yet."""
        seeds, size, epoch = self.problem.seeds, self.config.batch_size, self.epoch + 1
        orders = [epoch_order(data, size, seed, name, epoch) for seed in seeds]
        done = self._losses.done(phase)
        rows = [torch.cat(parts) for parts in zip(*orders, strict=True)]
        # The weights stay as they are between the two passes that the official protocol makes on validation.
        twice = phase == "architecture" and self.best_on_test and not self.settings.amp
        for batch in data.batches(rows[done:]):
            yield SeedBatch.of_rows(batch, len(seeds), self.hypernet.prepared if twice else None)

    def _seed(self, phase: Phase, *part: int) -> None:
        """Seed everything random by its place in the search, so that no state of a generator need be kept."""
        seeds, place = self.problem.seeds, (phase, self.epoch + 1, self._losses.done(phase), *part)
        for generator, seed in zip(self.generators, seeds, strict=True):
            generator.manual_seed(stream(seed, *place))
        seed_default(stream(seeds[0], *place), self.device)

    def _descend(
        self, phase: Phase, batch: SeedBatch, parameters: list[torch.nn.Parameter], optimizer: torch.optim.Optimizer
    ) -> None:
        def losses_K(part: slice) -> Tensor:
            self._seed(phase)
            mixing = self._mixing(phase)  # the same for all parts
            if part.start:
                self._seed(phase, part.start)
            with self.hypernet.noise(self.generators), self.hypernet.learning(phase):
                return self._loss(batch.features(part), batch.labels(part), mixing)

        losses = self._replayed(phase, batch, parameters)
        if losses is None:
            losses = self.micro.gradients(parameters, losses_K, batch.size)
        optimizer.step()
        self._losses.add(phase, losses)

    def _replayed(self, phase: Phase, batch: SeedBatch, parameters: list[torch.nn.Parameter]) -> Tensor | None:
        """The losses of a step that a CUDA graph computes; ``None`` where none does."""
        if self.graphs is None or self.micro.size is not None:
            return None

        def losses_K(inputs: Inputs) -> Tensor:
            *features, labels = inputs
            with self.hypernet.noise(self.generators), self.hypernet.learning(phase):
                return self._loss(dict(zip(batch.whole, features, strict=True)), labels, None)

        self._seed(phase)
        return self.graphs.gradients((phase, batch.size), [*batch.whole.values(), batch.labels()], parameters, losses_K)

    def _loss(self, features: Features | Prepared, labels_KB: Tensor, mixing: Mixing | None) -> Tensor:
        outputs_KB, task = self._forward(features, mixing), self.problem.task
        return torch.stack([task.loss(*pair) for pair in zip(outputs_KB, labels_KB, strict=True)])

    def _forward(self, features: Features | Prepared, mixing: Mixing | None = None) -> Tensor:
        """(K, B, outputs), in the precision of the weights."""
        if not self.settings.amp:
            outputs: Tensor = self.hypernet(features, mixing)
            return outputs
        # Its cache would keep what belongs to a recorded step.
        with torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False):
            outputs = self.hypernet(features, mixing)
        return outputs.to(self.hypernet.gamma_KNMP.dtype)

    def _outputs(self, batch: SeedBatch) -> Tensor:
        """Without gradients, (K, B, outputs)."""
        return self.micro.outputs(lambda part: self._forward(batch.features(part)), batch.size, 1)

    def _epoch_done(self) -> Iterator[Event]:
        self._losses.check(self.hypernet)
        means = self._losses.means()
        genotypes, running = self.genotypes(), self._running_seeds(self.epoch)
        scores = self._genotypes_scores(genotypes) if self.scores_genotypes else self._scores()
        sharpness = self.sharpness.measure(self.hypernet, self._first_loss) if self.sharpness else None
        self.epoch += 1
        self._losses.next_epoch()
        self._scored = []
        seconds = self._clock.lap()
        for k, seed in enumerate(self.problem.seeds):
            if not math.isfinite(scores[k]):
                raise Diverged(f"the search diverged: the score of epoch {self.epoch} is {scores[k]}; try a smaller lr")
            if not running[k]:
                continue
            yield EpochDone(
                seed=seed,
                round=self.epoch,
                rounds=self.config.epochs,
                score=scores[k],
                trainings=1,
                candidates=self._candidates,
                seconds=seconds,
                genotype=genotypes[k],
                best=self._is_best(k, scores[k], self.epoch),
                loss=means["weights"][k],
                arch_loss=means["architecture"][k] if "architecture" in means else None,
                lr=self.schedule.lr,
                parameter_free=parameter_free(genotypes[k]),
                sharpness=sharpness[k] if sharpness else None,
            )
        self._selecting.keep(self.hypernet, self._running_seeds(self.epoch))
        yield Pause()

    @property
    def _candidates(self) -> int:
        """How many genotypes of each seed were scored in the epochs that are done."""
        return self.epoch if self.scores_genotypes else 0

    def _genotypes_scores(self, genotypes: list[Genotype]) -> list[float]:
        batches = calibration_batches(self.problem)
        return [
            inherited_score(self.problem, of_seed(self.hypernet, k), genotype, batches)
            for k, genotype in enumerate(genotypes)
        ]

    @torch.no_grad()
    def _scores(self) -> list[float]:
        """The hypernet's own score on the validation split, of each seed: in eval mode, after all steps."""
        if self.best_on_test:
            return self._scores_in_train_mode()
        self.hypernet.eval()
        outputs_KB = torch.cat([self._outputs(batch) for batch in self._whole_validation()], 1)
        return [self.problem.score(outputs_B) for outputs_B in outputs_KB]

    def _scores_in_train_mode(self) -> list[float]:
        """The released code's: after each architecture step on its batch, with dropout and the batch's statistics."""
        outputs_KB = torch.cat([outputs for outputs, _ in self._scored], 1)
        labels_KB = torch.cat([labels for _, labels in self._scored], 1)
        return [self.problem.score(*pair) for pair in zip(outputs_KB, labels_KB, strict=True)]

    def _whole_validation(self) -> Iterator[SeedBatch]:
        """The validation split in its order, the same for every seed."""
        parts = self.validation.rows().split(self.config.batch_size)
        return (SeedBatch.for_all(batch, len(self.problem.seeds)) for batch in self.validation.batches(parts))

    def _first_loss(self) -> Tensor:
        """The loss of each seed on the first batch of the validation split, (K,)."""
        batch = next(self._whole_validation())
        return self._loss(batch.whole, batch.labels(), None)

    def _select(self) -> Iterator[Event]:
        """Select each seed's genotype from its hypernet."""
        # A checkpoint as often as there was one of an epoch.
        done = yield from self._selecting.choices(self.hypernet, self._clock.spent / max(1, self.epoch))
        seconds = self._clock.lap()
        for k, (seed, choice) in enumerate(zip(self.problem.seeds, done, strict=True)):
            self.best[k] = Best(choice.score, self.best[k].round)
            yield SelectionDone(
                seed=seed,
                round=1,
                rounds=1,
                score=choice.score,
                trainings=1,
                candidates=self._candidates + choice.candidates,
                seconds=seconds,
                genotype=choice.genotype,
                best=True,
            )

    def _running_seeds(self, epoch: int) -> list[bool]:
        """Which seeds go on after that epoch: patience and sharpness may stop one."""
        patience = self.config.patience
        sharp = self.sharpness.stopped if self.sharpness else [False] * len(self.best)
        waited = [patience is not None and epoch - best.round >= patience for best in self.best]
        return [not (out or stopped) for out, stopped in zip(waited, sharp, strict=True)]

    def _running(self) -> bool:
        budget = self.config.budget_seconds
        return any(self._running_seeds(self.epoch)) and (budget is None or self._clock.spent < budget)
