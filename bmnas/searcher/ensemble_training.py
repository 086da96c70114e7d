"""The training of an ensemble: as many members at once as there is room for, each with a seed of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.compiler.ensemble import assemble, member_genotype
from bmnas.errors import BmnasError
from bmnas.fit.events import MicroBatch, Pause, TrainingEpochDone
from bmnas.genotype import Genotype
from bmnas.genotype.graph import used_features
from bmnas.searcher.beginning import Single
from bmnas.searcher.network_fit import outputs_on
from bmnas.searcher.network_training import fitted
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.stacked_training import StackedTraining, at_once, member_seeds
from bmnas.tasks import FeatureStore, Task, Tick


class EnsembleTraining:
    """The training of networks whose outputs are averaged, which can be stopped at any step.

    Arguments are those of `NetworkTraining`; the genotype has members. The first of them begins as the network that the
    genotype without the others would be, and has the same batches.

    Raises:
        BmnasError: the best epoch on the test split is asked for, which each member would have for itself.
    """

    best: float | None = None

    def __init__(
        self,
        genotype: Genotype,
        task: Task,
        store: FeatureStore,
        config: TrainConfig,
        *,
        device: torch.device,
        title: str | None = None,
        best_on_test: bool = False,
    ) -> None:
        if best_on_test:
            raise BmnasError("an ensemble has no best epoch on the test split; leave ensemble out, or that protocol")
        self._genotype, self._title = fitted(genotype, task), title or genotype.name
        self._task, self._store, self._config, self._device = task, store, config, device
        self._done: list[FusionNetwork] = []
        self._seconds = 0.0
        self._at_once = at_once(member_genotype(self._genotype), config.batch_size, device, genotype.members)
        self._now = self._next()
        self._network: FusionNetwork | None = None

    @property
    def place(self) -> str:
        """Where the training stands, as a part of a sentence."""
        return self._now.place

    @property
    def seconds(self) -> float:
        """Wall time of the trainings that are finished."""
        return self._seconds

    @property
    def tick(self) -> Tick:
        """How far all of them are, for displays."""
        now, members = self._now.tick, self._genotype.members
        # In epochs of one member. The last ones are under way until they are among those done.
        done = min(len(self._done) * now.total + self._members * now.done, members * now.total)
        return Tick(f"training of {self._title}", done, members * now.total, now.info, now.unit)

    def start(self) -> None:
        """What has passed since the training was made or read was not work."""
        self._now.start()

    def steps(self) -> Iterator[Pause | MicroBatch | TrainingEpochDone]:
        """Do what remains, a pause after each step and each epoch.

        Raises:
            Diverged: a loss or a weight is no number.
        """
        while len(self._done) < self._genotype.members:
            yield from self._now.steps()
            self._done += self._now.finished()
            self._seconds += self._now.seconds
            if len(self._done) < self._genotype.members:
                self._now = self._next()
                yield Pause(save=True)

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on: tensors and plain values only."""
        done = [network.state_dict() for network in self._done]
        return {"done": done, "seconds": self._seconds, "now": self._now.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        self._done = [self._with(weights) for weights in state["done"]]
        self._seconds = float(state["seconds"])
        self._now = self._next()
        self._now.load_state(state["now"])

    def finished(self) -> FusionNetwork:
        """The ensemble, when all steps are done."""
        if self._network is None:
            self._network = assemble(self._genotype, self._done).to(self._device)
        return self._network

    def tested(self) -> tuple[Tensor, Tensor]:
        """What the ensemble gives for the test split, (N, outputs), and the labels."""
        data = self._store.data("test", names=used_features(self._genotype), device=self._device)
        return outputs_on(self.finished(), data, self._config.batch_size), data.labels

    @property
    def _members(self) -> int:
        """How many are trained now."""
        return min(self._at_once, self._genotype.members - len(self._done))

    def _next(self) -> StackedTraining:
        members = self._genotype.members
        first = min(len(self._done), members - 1)
        seeds = member_seeds(self._config.seed, members)[first : first + max(1, self._members)]
        which = "" if len(seeds) == members else f", {first + 1} to {first + len(seeds)} of {members}"
        return StackedTraining(
            member_genotype(self._genotype),
            self._task,
            self._store,
            self._config,
            [Single(seed) for seed in seeds],
            device=self._device,
            title=f"{self._title}{which}",
        )

    def _with(self, weights: dict[str, Tensor]) -> FusionNetwork:
        network = compile_genotype(member_genotype(self._genotype))
        network.load_state_dict(weights)
        return network.to(self._device)
