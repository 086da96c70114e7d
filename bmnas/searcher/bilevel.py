"""The bilevel search of the paper (Algorithm 1, first order) on cached features, as a generator of epochs.

In every epoch: a weight step on each training batch, an architecture step on each validation batch, a score on the
validation split in eval mode, a derivation. The backbones never run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bmnas.genotype import BmnasError, Genotype, Head, Representation
from bmnas.searcher.config import SearchConfig
from bmnas.searcher.derive import derive, refuse_underivable
from bmnas.searcher.events import EpochDone
from bmnas.searcher.hypernet import Hypernet, HypernetSize
from bmnas.searcher.seeding import stream
from bmnas.searcher.statistics import frozen_statistics
from bmnas.searcher.training import batches, epoch_order
from bmnas.tasks import FeatureStore, Samples, Task
from bmnas.tasks.seeding import seeded


class Bilevel:
    """One bilevel search. `epochs` does the work; between two epochs `state` is all there is to know about it.

    Args:
        task: gives features, loss and metric.
        store: the task's cached features.
        config: the settings.
        device: where the hypernet is trained; the features are moved there once.

    Raises:
        BmnasError: the derivation could fail with these settings, or a split is too small to train on.
    """

    def __init__(self, task: Task, store: FeatureStore, config: SearchConfig, device: torch.device) -> None:
        refuse_underivable(len(task.features), config.cells, config.derive)
        self.config, self.device = config, device
        for feature in task.features:
            if feature.reshape == "none" and store.shapes[feature.name] != (config.channels, config.length):
                raise BmnasError(
                    f"feature {feature.name!r} has the reshape 'none' and the shape {store.shapes[feature.name]}, but "
                    f"a node of the search has {(config.channels, config.length)}: channels and length"
                )
        self.train = store.data("train", device=device)
        self.validation = store.data("validation", device=device)
        self.task = task.fitted(self.train.labels)
        for name, split in (("training", self.train), ("validation", self.validation)):
            if len(split) < 2:
                raise BmnasError(f"the {name} split of task {task.name} has {len(split)} samples; a search needs two")
        with seeded(stream(config.seed, "hypernet"), device):
            self.hypernet = Hypernet(hypernet_size(task, config)).to(device)
        self.weight_optimizer = torch.optim.Adam(
            self.hypernet.weights(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )
        self.arch_optimizer = torch.optim.Adam(
            self.hypernet.architecture(),
            lr=config.arch_lr,
            weight_decay=config.arch_weight_decay,
            betas=(0.5, 0.999),
            fused=True,
        )
        steps = config.epochs * len(batches(torch.arange(len(self.train)), config.batch_size))
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.weight_optimizer, steps, eta_min=config.min_lr)
        self.epoch = 0
        self.best_score: float | None = None
        self.best_epoch = 0

    def epochs(self) -> Iterator[EpochDone]:
        """Run the epochs that remain, reporting each; ends early where ``patience`` says so."""
        while self.epoch < self.config.epochs and not self._out_of_patience():
            yield self._next_epoch()

    def state(self) -> dict[str, Any]:
        """Everything that the remaining epochs depend on: tensors and plain values only."""
        return {
            "hypernet": self.hypernet.state_dict(),
            "weight_optimizer": self.weight_optimizer.state_dict(),
            "arch_optimizer": self.arch_optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "epoch": self.epoch,
            "best_score": self.best_score,
            "best_epoch": self.best_epoch,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self.hypernet.load_state_dict(state["hypernet"])
        self.weight_optimizer.load_state_dict(state["weight_optimizer"])
        self.arch_optimizer.load_state_dict(state["arch_optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.epoch, self.best_epoch = int(state["epoch"]), int(state["best_epoch"])
        self.best_score = float(state["best_score"])

    def genotype(self) -> Genotype:
        """The genotype that alpha, beta and gamma stand for now."""
        config = self.config
        alpha, beta, gamma = (parameter.detach().cpu()[0] for parameter in self.hypernet.architecture())
        cells = derive(
            alpha,
            beta,
            gamma,
            features=[feature.name for feature in self.task.features],
            operations=config.operations,
            cell_outputs=config.cell_outputs,
            rule=config.derive,
        )
        return Genotype(
            name=f"{self.task.name}-seed{config.seed}",
            representation=Representation(channels=config.channels, length=config.length),
            features=self.task.features,
            cells=cells,
            output=tuple(cell.name for cell in cells),
            head=Head(outputs=self.task.outputs),
            dropout=config.dropout,
        )

    def _next_epoch(self) -> EpochDone:
        start = time.perf_counter()
        epoch = self.epoch + 1
        with seeded(stream(self.config.seed, "epoch", epoch), self.device):
            self.hypernet.train()
            loss = self._weight_steps(epoch)
            with frozen_statistics(self.hypernet):
                arch_loss = self._architecture_steps(epoch)
        score = self._score()
        for value, setting in ((loss, "lr"), (arch_loss, "arch_lr"), (score, "lr")):
            if not math.isfinite(value):
                raise BmnasError(
                    f"the search diverged in epoch {epoch} (a loss or score became {value}); try a smaller {setting} "
                    f"than {getattr(self.config, setting)}"
                )
        best = self._is_better(score)
        if best:
            self.best_score, self.best_epoch = score, epoch
        self.epoch = epoch
        return EpochDone(
            epoch=epoch,
            epochs=self.config.epochs,
            loss=loss,
            arch_loss=arch_loss,
            score=score,
            lr=float(self.schedule.get_last_lr()[0]),
            seconds=time.perf_counter() - start,
            genotype=self.genotype(),
            best=best,
        )

    def _weight_steps(self, epoch: int) -> float:
        weights = self.hypernet.weights()
        total = torch.zeros((), device=self.device)
        order = epoch_order(self.train, self.config.batch_size, self.config.seed, "train", epoch)
        for batch in self.train.batches(order):
            loss = self._loss(batch)
            self.weight_optimizer.zero_grad()
            loss.backward(inputs=weights)
            self.weight_optimizer.step()
            self.schedule.step()
            total += loss.detach()
        return total.item() / len(order)

    def _architecture_steps(self, epoch: int) -> float:
        architecture = self.hypernet.architecture()
        total = torch.zeros((), device=self.device)
        order = epoch_order(self.validation, self.config.batch_size, self.config.seed, "validation", epoch)
        for batch in self.validation.batches(order):
            loss = self._loss(batch)
            self.arch_optimizer.zero_grad()
            # Gradients for the architecture alone: those of the weights would be computed and thrown away.
            loss.backward(inputs=architecture)
            self.arch_optimizer.step()
            total += loss.detach()
        return total.item() / len(order)

    def _loss(self, batch: Samples) -> Tensor:
        return self.task.loss(self.hypernet(_seeds(batch))[0], batch.labels)

    @torch.no_grad()
    def _score(self) -> float:
        self.hypernet.eval()
        parts = self.validation.rows().split(self.config.batch_size)
        outputs = torch.cat([self.hypernet(_seeds(batch))[0] for batch in self.validation.batches(parts)])
        return self.task.metric.score(outputs, self.validation.labels)

    def _is_better(self, score: float) -> bool:
        if self.best_score is None:
            return True
        return score > self.best_score if self.task.metric.higher_is_better else score < self.best_score

    def _out_of_patience(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.epoch - self.best_epoch >= patience


def hypernet_size(task: Task, config: SearchConfig) -> HypernetSize:
    """The hypernet of a task and settings."""
    return HypernetSize(
        features=task.features,
        operations=config.operations,
        cells=config.cells,
        steps=config.steps,
        cell_outputs=config.cell_outputs,
        channels=config.channels,
        length=config.length,
        dropout=config.dropout,
        outputs=task.outputs,
    )


def _seeds(batch: Samples) -> dict[str, Tensor]:
    """Features (K, B, channels, T) with K = 1."""
    return {name: feature.unsqueeze(0) for name, feature in batch.features.items()}
