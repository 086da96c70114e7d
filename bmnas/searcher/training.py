"""Train one fusion network on cached features, then read the test split once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.errors import BmnasError, did_you_mean
from bmnas.fit.events import MicroBatch, TrainingEpochDone
from bmnas.fit.micro_batches import MicroBatches
from bmnas.fit.order import batches, epoch_order
from bmnas.fit.seeding import seeded, stream
from bmnas.genotype import Genotype
from bmnas.genotype.graph import used_features
from bmnas.searcher.settings import TrainConfig
from bmnas.tasks import Data, Extraction, FeatureStore, Samples, Task


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        network: on the device of the training.
        test: its score on the test split, which was read once; of the best epoch on it, where ``best_on_test``.
        parameters: how many were trained.
        seconds: wall time of the training.
        data: the task, and the fingerprint of its features.
        extraction: how these were extracted.
        best_on_test: as in `train_network`.
    """

    network: FusionNetwork
    test: float
    parameters: int
    seconds: float
    data: str
    extraction: Extraction
    best_on_test: bool = False


def train_network(
    genotype: Genotype,
    task: Task,
    store: FeatureStore,
    config: TrainConfig,
    *,
    device: torch.device,
    title: str | None = None,
    best_on_test: bool = False,
    report: Callable[[TrainingEpochDone | MicroBatch], None] | None = None,
) -> Trained:
    """Train the network from fresh weights on training + validation, then score it once on test.

    There is nothing to select: the weights after the last epoch are the result. ``title`` is what reports call the
    training; the genotype's name if it is left out. ``best_on_test`` is the released code's habit: test after every
    epoch and give the greatest score, which is no estimate of what the network does on new data.

    Raises:
        BmnasError: the genotype does not fit the task.
    """
    genotype = fitted(genotype, task)
    names = used_features(genotype)
    data = store.data("train", "validation", names=names, device=device)
    task = task.fitted(data.labels)
    start = time.perf_counter()
    with seeded(stream(config.seed, "train"), device):
        network = compile_genotype(genotype).to(device)
        micro, best = MicroBatches(network, device), None
        for epoch, loss in _epochs(network, task, data, config, micro):
            if best_on_test:
                best = _better(task, _tested(network, task, store, names, config, micro), best)
            if report:
                for news in micro.news():
                    report(news)
                report(TrainingEpochDone(name=title or genotype.name, epoch=epoch, epochs=config.epochs, loss=loss))
    seconds = time.perf_counter() - start
    test = best if best is not None else _tested(network, task, store, names, config, micro)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    how = Extraction(**{name: store.fingerprint[name] for name in Extraction().decisive})
    return Trained(network, test, parameters, seconds, f"{task.name}@{store.key}", how, best_on_test)


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


def _epochs(
    network: FusionNetwork, task: Task, data: Data, config: TrainConfig, micro: MicroBatches
) -> Iterator[tuple[int, float]]:
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(parameters, lr=config.lr, weight_decay=config.weight_decay, fused=True)
    steps = len(batches(torch.arange(len(data)), config.batch_size)) * config.epochs
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=config.min_lr)
    for epoch in range(1, config.epochs + 1):
        network.train()
        order, losses = epoch_order(data, config.batch_size, config.seed, "train", epoch), []
        for batch in data.batches(order):
            losses.append(micro.gradients(parameters, partial(_loss, network, task, batch), len(batch)))
            optimizer.step()
            schedule.step()
        # At once, as a look at a GPU waits for all that is under way.
        values = torch.stack(losses).tolist()
        for step, value in enumerate(values, 1):
            if not math.isfinite(value):
                raise BmnasError(
                    f"the training diverged in step {step} of epoch {epoch} (the loss became {value}); try a smaller "
                    f"lr than {config.lr}"
                )
        yield epoch, math.fsum(values) / len(values)


def _loss(network: FusionNetwork, task: Task, batch: Samples, part: slice) -> Tensor:
    return task.loss(_forward(network, batch, part), batch.labels[part])


def _forward(network: FusionNetwork, batch: Samples, part: slice) -> Tensor:
    outputs: Tensor = network(batch[part].features)
    return outputs


def _tested(
    network: FusionNetwork,
    task: Task,
    store: FeatureStore,
    names: Sequence[str],
    config: TrainConfig,
    micro: MicroBatches,
) -> float:
    outputs, labels = _predict(network, store.data("test", names=names, device=micro.device), config.batch_size, micro)
    return task.metric.score(outputs, labels)


def _better(task: Task, score: float, than: float | None) -> float:
    if than is None:
        return score
    return max(score, than) if task.metric.higher_is_better else min(score, than)


def _predict(network: FusionNetwork, data: Data, batch_size: int, micro: MicroBatches) -> tuple[Tensor, Tensor]:
    network.eval()
    batches = data.batches(data.rows().split(batch_size))
    outputs = [micro.outputs(partial(_forward, network, batch), len(batch), 0) for batch in batches]
    return torch.cat(outputs), data.labels
