"""The training of one fusion network on cached features, which can be stopped at any step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bmnas.compiler import FusionNetwork, divide_outputs, summarise
from bmnas.errors import BmnasError, did_you_mean
from bmnas.fit.events import EpochEnd
from bmnas.fit.memory import memory_of, smallest_batch
from bmnas.fit.order import epoch_order
from bmnas.fit.room import refuse_untrainable
from bmnas.fit.seeding import seed_default, stream
from bmnas.genotype import Genotype
from bmnas.searcher.beginning import Beginning, Single
from bmnas.searcher.fit_training import FitTraining
from bmnas.searcher.losing import losing
from bmnas.searcher.network_fit import network_fit, outputs_on
from bmnas.searcher.settings import TrainConfig
from bmnas.tasks import FeatureStore, Task


class NetworkTraining(FitTraining):
    """The training of one network, which can be stopped at any step.

    Args:
        genotype: of one network.
        task: gives the loss, and the metric.
        store: has the features.
        config: the settings.
        device: where it is trained.
        title: what it is called; the genotype's name if left out.
        best_on_test: see `bmnas.searcher.training.train_network`.

    Attributes:
        network: what is trained.
        fit: what trains it.
        best: where ``best_on_test``, the best score on the test split so far.
    """

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
        genotype = fitted(genotype, task)
        super().__init__(title or genotype.name)
        self._store, self._config, self._device, self._best_on_test = store, config, device, best_on_test
        self.best: float | None = None  # on the test split, where each epoch is tested
        refuse_large(genotype, config.batch_size, device)
        self._clock.start()
        begin, single = Beginning(genotype, task, store, config, device), Single(config.seed)
        self.network = begin.network(single)
        self._clock.lap()
        self._names, data = begin.names, begin.data(single)
        self._task = task.fitted(data.labels)
        lose = losing(genotype, store, config, device, config.seed, "train")
        epochs = begin.epochs(lose is not None)
        self._epochs = epochs if config.stop_epoch is None else min(epochs, config.stop_epoch)
        self._is_cooled = False
        self.fit = network_fit(
            self.network,
            self._task,
            data,
            config,
            epochs=epochs,
            stop=self._epochs,
            order=lambda epoch: epoch_order(data, config.batch_size, config.seed, "train", epoch),
            seed=lambda *place: seed_default(stream(config.seed, "train", *place), device),
            subject=f"the training of {self._title}",
            heads=begin.heads,
            lose=lose,
        )

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on: tensors and plain values only."""
        return {"fit": self.fit.state(), "best": self.best, "clock": self._clock.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        self.fit.load_state(state["fit"])
        self.best = None if state["best"] is None else float(state["best"])
        self._clock.load_state(state["clock"])

    def finished(self) -> FusionNetwork:
        """The network, when all steps are done."""
        if self._config.temperature is not None and not self._is_cooled:
            divide_outputs(self.network, self._config.temperature)
            self._is_cooled = True
        self._clock.lap()
        return self.network

    def tested(self) -> tuple[Tensor, Tensor]:
        """What the network gives for the test split, (N, outputs), and the labels."""
        data = self._store.data("test", names=self._names, device=self._device)
        return outputs_on(self.network, data, self._config.batch_size, self.fit.micro), data.labels

    def _epoch_done(self, event: EpochEnd) -> float:
        if self._best_on_test:
            self.best = self._better(self._tested())
        return float(event.losses["weights"])

    def _tested(self) -> float:
        return self._task.metric.score(*self.tested())

    def _better(self, score: float) -> float:
        if self.best is None:
            return score
        return max(score, self.best) if self._task.metric.higher_is_better else min(score, self.best)


def refuse_large(genotype: Genotype, batch: int, device: torch.device) -> None:
    """Refuse a network whose training cannot fit into the device's memory, before anything is allocated.

    Raises:
        BmnasError: it cannot.
    """
    size = summarise(genotype)
    samples = smallest_batch(device, batch)
    refuse_untrainable("the network", size.parameters, size.activations, samples, memory_of(device))


def fitted(genotype: Genotype, task: Task) -> Genotype:
    """The genotype with the task's channels filled in.

    Raises:
        BmnasError: a feature is not the task's, or differs from it, or the head does not fit; it names the place.
    """
    known = {feature.name: feature for feature in task.features}
    for i, feature in enumerate(genotype.features):
        place = f"features[{i}]"
        if feature.name not in known:
            near = did_you_mean(feature.name, known)
            raise BmnasError(f"{place}.name is {feature.name!r}, which task {task.name} does not have{near}")
        own = known[feature.name]
        if feature.modality != own.modality:
            raise BmnasError(
                f"{place}.modality is {feature.modality!r}, but {own.name} of task {task.name} is of {own.modality!r}"
            )
        if feature.channels not in (None, own.channels):
            raise BmnasError(
                f"{place}.channels is {feature.channels}, but {own.name} of task {task.name} has {own.channels}"
            )
        if feature.reshape != own.reshape:
            raise BmnasError(
                f"{place}.reshape is {feature.reshape!r}, but task {task.name} keeps the feature as {own.reshape!r}"
            )
    if genotype.head is None or genotype.head.outputs != task.outputs:
        found = "is missing" if genotype.head is None else f"has {genotype.head.outputs} outputs"
        raise BmnasError(f"head {found}, but task {task.name} needs {task.outputs} outputs")
    return genotype.with_channels({name: own.channels for name, own in known.items() if own.channels is not None})
