"""What strategies share that train a hypernet: epochs of weight steps and architecture steps, for K seeds at once.

In every epoch: a weight step on each training batch, an architecture step on each validation batch, a score on the
validation split, a derivation. After the last epoch a genotype is selected. The backbones never run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from bmnas.fit import evaluate
from bmnas.fit.clock import Clock
from bmnas.fit.events import Event, Pause
from bmnas.fit.fit import Fit, Phase
from bmnas.fit.graphs import Graphs, Inputs
from bmnas.fit.order import batches, epoch_order
from bmnas.fit.schedule import Cosine, Schedule
from bmnas.fit.seeding import seed_default, stream
from bmnas.fit.statistics import frozen_statistics
from bmnas.fit.watch import Diverged
from bmnas.genotype import Genotype
from bmnas.searcher.collapse import Sharpness, parameter_free
from bmnas.searcher.derive import derive
from bmnas.searcher.events import EpochDone, MixingDone, RunnerUp, SelectionDone
from bmnas.searcher.hypernet import Mixing, of_seed
from bmnas.searcher.hypernet.network import Phase as Kind, Prepared
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.losing import modality_dropout
from bmnas.searcher.network_fit import learning
from bmnas.searcher.outline import LOOK, Stage
from bmnas.searcher.problem import Problem
from bmnas.searcher.seed_batch import Features, SeedBatch
from bmnas.searcher.strategies.hypernet_settings import ArchitectureSettings, HypernetSettings
from bmnas.searcher.strategies.mixing_told import mixing_told
from bmnas.searcher.strategies.new_hypernet import new_hypernet
from bmnas.searcher.strategies.selecting import Selecting
from bmnas.searcher.strategies.strategy import Best, Strategy
from bmnas.tasks import Data, Tick


class OnHypernet(Strategy):
    """Trains a hypernet of K seeds, derives a genotype after each epoch, selects one at the end.

    A subclass says which alternatives take part in a step (`_mixing`). alpha, beta and gamma are learnt where its
    settings say how (`ArchitectureSettings`). It may have another schedule, do its architecture steps in another
    context, keep something of each, and score an epoch by it (`_schedule`, `_architecture_context`,
    `_after_architecture_step`, `_scores`).

    Attributes:
        hypernet: that of all seeds.
        fit: what trains it.
    """

    batches_seeds = True
    # Whether an epoch's score is that of its genotype's network with inherited weights, instead of the hypernet's own.
    scores_genotypes = False

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.config, self.device = problem.config, problem.device
        self.train, self.validation = problem.train, problem.validation
        self.hypernet = new_hypernet(problem)
        self._losing = modality_dropout(problem.task.features, problem.store, problem.config, problem.device)
        self.generators = [torch.Generator(self.device) for _ in problem.seeds]
        heads = problem.anchor.fit if problem.anchor else None
        groups = learning(self.hypernet, self.config, heads, self.hypernet.weights())
        self._trained = [parameter for group in groups for parameter in group["params"]]
        self.weight_optimizer = torch.optim.Adam(groups, lr=self.config.lr, fused=True)
        self.schedule = self._schedule()
        self.fit = Fit(
            self.hypernet,
            self._phases(),
            epochs=self.config.epochs,
            device=self.device,
            subject="the search",
            whose=[f"seed {seed}" for seed in problem.seeds] if len(problem.seeds) > 1 else (),
            graphs=self._graphs(),
        )
        self.sharpness = self._sharpness()
        self._clock = Clock()
        settings: HypernetSettings = self.settings
        self._selecting = Selecting(problem, settings.select)

    def events(self) -> Iterator[Event]:
        """See `Strategy.events`."""
        self._clock.start()
        while self._trains:
            losses = yield from self.fit.rest_of_epoch()
            yield from self._epoch_done(losses)
        if not self._selecting.done:
            yield from self._select()

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.fit.epoch

    @property
    def rounds(self) -> int:
        """See `Strategy.rounds`."""
        return self.epoch

    @property
    def place(self) -> str:
        """See `Strategy.place`."""
        weights, architecture = self.fit.done("weights"), self.fit.done("architecture")
        if self._selecting.looks:
            return f"in the selection after epoch {self.epoch}, after {self._selecting.looks} looks"
        if weights:
            also = f" and {architecture} on validation" if architecture else ""
            return f"in epoch {self.epoch + 1}, after {weights} steps on the training split{also}"
        return f"after epoch {self.epoch}" if self.epoch else "before the first step"

    @property
    def goes_on(self) -> str:
        """See `Strategy.goes_on`."""
        if self._selecting.looks:
            return f"at look {self._selecting.looks + 1} of the selection"
        return f"at epoch {self.epoch + 1} of {self.config.epochs}" if self._trains else "at the selection"

    @property
    def tick(self) -> Tick:
        """See `Strategy.tick`."""
        if not self._selecting.done and not self._trains:
            return Tick("selection", self._selecting.looks, self._selecting.most, unit="looks")
        return Tick("search", self.fit.passed, self.config.epochs, unit="epochs")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """See `Strategy.stages`."""
        seeds, seen = len(self.problem.seeds), len(self.validation)
        samples = len(self.train) + (seen if "architecture" in self.fit.phases else 0)
        search = Stage(phase="search", kind="hypernet", cost=seeds * self.config.epochs * samples)
        if self._selecting.done:
            return (search,)
        return search, Stage(phase="selection", kind="look", cost=LOOK * self._selecting.most * seen)

    @property
    def _trains(self) -> bool:
        return self.epoch < self.config.epochs and self._running()

    def state(self) -> dict[str, Any]:
        """See `Strategy.state`."""
        return {
            "fit": self.fit.state(),
            "clock": self._clock.state(),
            "best": self._best_state(),
            "sharpness": self.sharpness.state() if self.sharpness else None,
            "selecting": self._selecting.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Strategy.load_state`."""
        self.fit.load_state(state["fit"])
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
            self.problem.genotype(derive(weights, k, self.problem.space), seed)
            for k, seed in enumerate(self.problem.seeds)
        ]

    def _mixings(self) -> list[MixingDone]:
        """What alpha, beta and gamma of each seed are now, by name."""
        with torch.no_grad():
            weights = self.hypernet.mixing().cpu()
        return [mixing_told(weights, k, self.problem) for k in range(len(self.problem.seeds))]

    def _mixing(self, phase: Kind) -> Mixing | None:
        """The alternatives that take part in this step; ``None`` for all of them, as alpha, beta and gamma say."""
        return None

    def _schedule(self) -> Schedule:
        """How the step size of the weights falls."""
        steps = len(batches(torch.arange(len(self.train)), self.config.batch_size))
        return Cosine(self.weight_optimizer, self.config.epochs * steps, self.config.min_lr)

    def _architecture_context(self) -> AbstractContextManager[None]:
        """In which architecture steps are done: no statistics of the validation split stay in the hypernet."""
        return frozen_statistics(self.hypernet)

    def _after_architecture_step(self, batch: SeedBatch[Prepared]) -> None:
        """Keep what an architecture step shows of its batch: nothing, as the split is scored after the epoch."""

    def _graphs(self) -> Graphs | None:
        """What records the steps, where each computes the same."""
        return None

    def _sharpness(self) -> Sharpness | None:
        """What watches the curvature, where a mixture is trained that has one."""
        return None

    def _phases(self) -> list[Phase[SeedBatch[Prepared]]]:
        weights, settings = self._weights(), self.settings
        return [weights, self._architecture(settings)] if isinstance(settings, ArchitectureSettings) else [weights]

    def _weights(self) -> Phase[SeedBatch[Prepared]]:
        return Phase(
            name="weights",
            parameters=self._trained,
            optimizer=self.weight_optimizer,
            schedule=self.schedule,
            # Not bound to the split, which a caller may have replaced.
            batches=lambda epoch, done: self._batches(self.train, "train", epoch, done),
            loss=partial(self._losses_of, "weights"),
            seed=partial(self._seed, "weights"),
            rate=self.config.lr,
            where=" on the training split",
            recordable=partial(self._recordable, "weights"),
            steps=len(batches(torch.arange(len(self.train)), self.config.batch_size)),
        )

    def _architecture(self, settings: ArchitectureSettings) -> Phase[SeedBatch[Prepared]]:
        optimizer = torch.optim.Adam(
            self.hypernet.architecture(),
            lr=settings.arch_lr,
            weight_decay=settings.arch_weight_decay,
            betas=(0.5, 0.999),
            fused=True,
        )
        return Phase(
            name="architecture",
            # Gradients for the architecture alone: those of the weights would be computed and thrown away.
            parameters=self.hypernet.architecture(),
            optimizer=optimizer,
            batches=self._architecture_batches,
            loss=partial(self._losses_of, "architecture"),
            seed=partial(self._seed, "architecture"),
            rate=settings.arch_lr,
            setting="arch_lr",
            where=" on the validation split",
            context=self._architecture_context,
            stepped=self._after_architecture_step,
            recordable=partial(self._recordable, "architecture"),
            steps=len(batches(torch.arange(len(self.validation)), self.config.batch_size)),
        )

    def _architecture_batches(self, epoch: int, done: int) -> Iterator[SeedBatch[Prepared]]:
        return self._batches(self.validation, "validation", epoch, done)

    def _batches(
        self, data: Data, name: str, epoch: int, done: int, prepare: Callable[[Features], Prepared] | None = None
    ) -> Iterator[SeedBatch[Prepared]]:
        """The batches of an epoch that are left after so many; ``prepare``: see `SeedBatch`."""
        seeds, size = self.problem.seeds, self.config.batch_size
        orders = [epoch_order(data, size, seed, name, epoch) for seed in seeds]
        rows = [torch.cat(parts) for parts in zip(*orders, strict=True)]
        for step, batch in enumerate(data.batches(rows[done:]), done):
            if self._losing is not None and name == "train":
                batch = self._losing(batch, *(stream(seed, "modality dropout", name, epoch, step) for seed in seeds))
            yield SeedBatch.of_rows(batch, len(seeds), prepare)

    def _seed(self, kind: Kind, *place: int) -> None:
        """Seed everything random by its place in the search, so that no state of a generator need be kept."""
        seeds = self.problem.seeds
        for generator, seed in zip(self.generators, seeds, strict=True):
            generator.manual_seed(stream(seed, kind, *place))
        seed_default(stream(seeds[0], kind, *place), self.device)

    def _losses_of(self, kind: Kind, batch: SeedBatch[Prepared]) -> Callable[[slice], Tensor]:
        mixing = self._mixing(kind)

        def losses_K(part: slice) -> Tensor:
            with self.hypernet.noise(self.generators), self.hypernet.learning(kind):
                return self._loss(batch.features(part), batch.labels(part), mixing)

        return losses_K

    def _recordable(self, kind: Kind, batch: SeedBatch[Prepared]) -> tuple[Inputs, Callable[[Inputs], Tensor]]:
        def losses_K(inputs: Inputs) -> Tensor:
            *features, labels = inputs
            with self.hypernet.noise(self.generators), self.hypernet.learning(kind):
                return self._loss(dict(zip(batch.whole, features, strict=True)), labels, None)

        return [*batch.whole.values(), batch.labels()], losses_K

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

    def _epoch_done(self, losses: Mapping[str, Tensor]) -> Iterator[Event]:
        means = {kind: losses_K.tolist() for kind, losses_K in losses.items()}
        genotypes, running = self.genotypes(), self._running_seeds(self.epoch - 1)
        mixings = self._mixings() if "architecture" in means else None
        scores = self._genotypes_scores(genotypes) if self.scores_genotypes else self._scores()
        sharpness = self.sharpness.measure(self.hypernet, self._first_loss) if self.sharpness else None
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
                mixing=mixings[k] if mixings else None,
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

    def _scores(self) -> list[float]:
        """The hypernet's own score on the validation split, of each seed: in eval mode, after all steps."""
        outputs_KB = evaluate.outputs(
            self.hypernet,
            lambda batch, part: self._forward(batch.features(part)),
            self._whole_validation(),
            self.fit.micro,
            1,
        )
        return [self.problem.score(outputs_B) for outputs_B in outputs_KB]

    def _whole_validation(self) -> Iterator[SeedBatch[Prepared]]:
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
            counts = {"seed": seed, "trainings": 1, "candidates": self._candidates + choice.candidates}
            for number, (genotype, score) in enumerate(choice.others[: self.config.tried], 1):
                yield RunnerUp(
                    **counts, round=number, rounds=None, score=score, seconds=0, genotype=genotype, best=False
                )
            yield SelectionDone(
                **counts, round=1, rounds=1, score=choice.score, seconds=seconds, genotype=choice.genotype, best=True
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
