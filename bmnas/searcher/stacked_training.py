"""Trainings of one genotype as one computation: the members of an ensemble, or the folds of a cross-validation.

Each has its own samples, seeds, weights and statistics, as if it were by itself. Axes: K trainings, B batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bmnas.compiler import FusionNetwork, divide_outputs, summarise
from bmnas.compiler.stacking import StackedNetworks
from bmnas.fit import evaluate
from bmnas.fit.events import EpochEnd
from bmnas.fit.fit import Fit
from bmnas.fit.memory import memory_of
from bmnas.fit.order import batches, stacked_order
from bmnas.fit.room import training_bytes
from bmnas.fit.seeding import seed_default, stream
from bmnas.genotype import Genotype
from bmnas.searcher.beginning import Beginning, Single
from bmnas.searcher.fit_training import FitTraining
from bmnas.searcher.losing import modality_dropout
from bmnas.searcher.network_fit import weights_phase
from bmnas.searcher.network_training import fitted, refuse_large
from bmnas.searcher.seed_batch import SeedBatch
from bmnas.searcher.settings import TrainConfig
from bmnas.tasks import FeatureStore, Task

# Batches of a score are so many times as large as those of a step, which keeps more of each sample.
_WIDER = 4


def member_seeds(seed: int, members: int) -> list[int]:
    """The seeds of the members of an ensemble; the first is that of the training of one network."""
    return [stream(seed, "member", number) if number else seed for number in range(members)]


def at_once(genotype: Genotype, batch: int, device: torch.device, count: int) -> int:
    """How many of so many trainings go side by side: as many as half of the device's memory has room for.

    Args:
        genotype: of one network, with channels.
        batch: samples in a batch of one training.
        device: where.
        count: how many there are.
    """
    size, there = summarise(genotype), memory_of(device)
    if there is None:
        return count
    return max(1, min(count, there // 2 // max(1, training_bytes(size.parameters, size.activations, batch))))


class StackedTraining(FitTraining):
    """K trainings of one genotype, which can be stopped at any step.

    How heads of features are fitted, where settings leave it open, is chosen with the samples of the first. In an
    epoch all make as many steps as the one that has most samples.

    Args:
        genotype: of one network.
        task: gives the loss, and the metric.
        store: has the features.
        config: the settings of each; its seed is not read.
        singles: the trainings.
        device: where they are done.
        title: what they are called; the genotype's name if left out.

    Attributes:
        stack: the networks that are trained.
        fit: what trains them.
    """

    def __init__(
        self,
        genotype: Genotype,
        task: Task,
        store: FeatureStore,
        config: TrainConfig,
        singles: Sequence[Single],
        *,
        device: torch.device,
        title: str | None = None,
    ) -> None:
        genotype = fitted(genotype, task)
        refuse_large(genotype, config.batch_size, device)
        super().__init__(title or genotype.name)
        self._config = config
        self._clock.start()
        begin = Beginning(genotype, task, store, config, device)
        self.stack = StackedNetworks([begin.network(single) for single in singles])
        self._clock.lap()
        self._whole, own = begin.whole, [begin.data(single) for single in singles]
        losing = modality_dropout([genotype.feature(name) for name in begin.names], store, config, device)
        epochs = begin.epochs(losing is not None)
        self._epochs = epochs if config.stop_epoch is None else min(epochs, config.stop_epoch)
        seeds, tasks = [single.seed for single in singles], [task.fitted(data.labels) for data in own]
        size = config.batch_size

        def left(epoch: int, done: int) -> Iterator[SeedBatch[None]]:
            order = stacked_order(own, size, seeds, "train", epoch)[done:]
            for step, batch in enumerate(self._whole.batches(order), done):
                if losing is not None:
                    lost = (stream(seed, "modality dropout", "train", epoch, step) for seed in seeds)
                    batch = losing(batch, *lost)
                yield SeedBatch.of_rows(batch, len(seeds))

        def loss(batch: SeedBatch[None]) -> Callable[[slice], Tensor]:
            return lambda part: _losses(tasks, self.stack(batch.cut(part)), batch.labels(part))

        phase = weights_phase(
            self.stack,
            config,
            batches=left,
            loss=loss,
            steps=len(batches(torch.arange(max(map(len, own))), size)),
            epochs=epochs,
            seed=lambda *place: seed_default(stream(seeds[0], "train", *place), device),
            heads=begin.heads,
        )
        self.fit = Fit(
            self.stack, [phase], epochs=self._epochs, device=device, subject=f"the training of {self._title}"
        )

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the trainings depends on: tensors and plain values only."""
        return {"fit": self.fit.state(), "clock": self._clock.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        self.fit.load_state(state["fit"])
        self._clock.load_state(state["clock"])

    def finished(self) -> list[FusionNetwork]:
        """The networks, when all steps are done."""
        self._clock.lap()
        networks = self.stack.networks()
        if self._config.temperature is not None:
            for network in networks:
                divide_outputs(network, self._config.temperature)
        return networks

    def outputs(self, samples: Sequence[Tensor]) -> list[Tensor]:
        """What each network gives for samples of training + validation, (N, outputs) each; N may differ.

        Args:
            samples: of each network, (N,).
        """
        longest = max(map(len, samples))
        rows = self._whole.rows()
        # The longest decides; what the others are filled up with is dropped.
        padded = [rows[own].repeat(-(-longest // len(own)))[:longest] for own in samples]
        size = _WIDER * self._config.batch_size
        parts = [torch.cat(each) for each in zip(*(own.split(size) for own in padded), strict=True)]
        given = (SeedBatch[None].of_rows(batch, len(samples)) for batch in self._whole.batches(parts))
        found = evaluate.outputs(self.stack, lambda batch, part: self.stack(batch.cut(part)), given, self.fit.micro, 1)
        return [outputs[: len(own)] for outputs, own in zip(found, samples, strict=True)]

    def _epoch_done(self, event: EpochEnd) -> float:
        losses: list[float] = event.losses["weights"]  # one for each
        return sum(losses) / len(losses)


def _losses(tasks: Sequence[Task], outputs_KBO: Tensor, labels_KB: Tensor) -> Tensor:
    """(K,)."""
    return torch.stack([task.loss(*pair) for task, *pair in zip(tasks, outputs_KBO, labels_KB, strict=True)])
