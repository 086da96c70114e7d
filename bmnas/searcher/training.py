"""Train one fusion network on cached features, then read the test split once; what was killed goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bmnas.compiler import FusionNetwork
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.events import Event
from bmnas.genotype import Genotype
from bmnas.genotype.telling import in_words
from bmnas.searcher.ensemble_training import EnsembleTraining
from bmnas.searcher.fit_training import gone_through
from bmnas.searcher.losing import modality_dropout
from bmnas.searcher.markup import paragraphs, picture
from bmnas.searcher.network_training import NetworkTraining, fitted
from bmnas.searcher.settings import TrainConfig
from bmnas.tasks import Extraction, FeatureStore, Progress, Remark, Task, Tick
from bmnas.tasks.portable import Bundle


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
        outputs: what the network gives for the test split, (N, outputs); ``None`` where ``best_on_test``.
        labels: of the test split, likewise.
        bundle: what the network takes along to be used elsewhere, where whoever trains it has asked for that.
        averages: by feature, what stands for it in a sample without its modality, (C, ...); where samples lost some in
            the training.
        options: of its command, beside those of the settings.
    """

    network: FusionNetwork
    test: float
    parameters: int
    seconds: float
    data: str
    extraction: Extraction
    best_on_test: bool = False
    outputs: Tensor | None = None
    labels: Tensor | None = None
    bundle: Bundle | None = None
    averages: Mapping[str, Tensor] | None = None
    options: str = ""

    def __repr__(self) -> str:
        return f"<Trained {self.network.genotype.name!r}: {self._in_words}>"

    def _repr_html_(self) -> str:
        """For notebooks."""
        genotype = self.network.genotype
        return paragraphs([f"{genotype.name}: {self._in_words}", in_words(genotype)]) + picture(genotype)

    @property
    def _in_words(self) -> str:
        best = "best epoch on the test split" if self.best_on_test else "test"
        task = self.data.split("@")[0]
        return f"{best} {self.test:.4f} on {task}, {self.parameters:,} parameters, {self.seconds:.1f} s"


def train_network(
    genotype: Genotype,
    task: Task,
    store: FeatureStore,
    config: TrainConfig,
    *,
    device: torch.device,
    title: str | None = None,
    best_on_test: bool = False,
    keeper: Keeper | None = None,
    report: Callable[[Event | Progress | Remark], None] | None = None,
) -> Trained:
    """Train the network from fresh weights on training + validation, then score it once on test.

    There is nothing to select: the weights after the last epoch are the result. ``title`` is what reports call the
    training; the genotype's name if it is left out. ``best_on_test`` is the released code's habit: test after every
    epoch and give the greatest score, which is no estimate of what the network does on new data. With a ``keeper`` the
    training goes on where an earlier one stopped, see `same_training`, and ends as if it had not; whoever has kept the
    result removes the checkpoint.

    Raises:
        BmnasError: the genotype does not fit the task.
        Diverged: a loss or a weight is no number.
    """

    def new() -> NetworkTraining | EnsembleTraining:
        kind = EnsembleTraining if genotype.members > 1 else NetworkTraining
        return kind(genotype, task, store, config, device=device, title=title, best_on_test=best_on_test)

    if report:  # heads are fitted before the first step
        report(Tick(f"training of {title or genotype.name}", 0, 0))
    training: NetworkTraining | EnsembleTraining = gone_through(new, keeper, report)
    return _trained(training, task, store, config)


def same_training(
    genotype: Genotype, task: Task, store: FeatureStore, config: TrainConfig, *, best_on_test: bool = False
) -> dict[str, Any]:
    """What decides the result of a training, as JSON values: one that began with the same can be gone on with."""
    return {
        **task.identity,
        "genotype": fitted(genotype, task).model_dump(mode="json", exclude={"provenance"}),
        "data": store.key,
        "train": config.model_dump(mode="json"),
        "best_on_test": best_on_test,
    }


def _trained(
    training: NetworkTraining | EnsembleTraining, task: Task, store: FeatureStore, config: TrainConfig
) -> Trained:
    """The result, when all steps are done; reads the test split."""
    network = training.finished()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    how = Extraction(**{name: store.fingerprint[name] for name in Extraction().decisive})
    rest = (parameters, training.seconds, f"{task.name}@{store.key}", how)
    lost = modality_dropout(network.genotype.features, store, config, torch.device("cpu"))
    means = None if lost is None else lost.means
    if training.best is not None:
        return Trained(network, training.best, *rest, best_on_test=True, averages=means)
    outputs, labels = training.tested()
    test = task.metric.score(outputs, labels)
    return Trained(network, test, *rest, outputs=outputs.cpu(), labels=labels.cpu(), averages=means)
