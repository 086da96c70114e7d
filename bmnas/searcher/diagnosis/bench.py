"""Systems on the features of a task: fitted, scored on each split, and on samples that were held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bmnas.evaluation.paired import paired
from bmnas.evaluation.sample_losses import losses, right
from bmnas.fit.heads import Fold, HeadsFit, Ways, choose_fits
from bmnas.fit.linear import summed
from bmnas.genotype import Feature
from bmnas.searcher.anchor import HeadData, folds_of
from bmnas.searcher.diagnosis.nonlinear import Kind, learnt
from bmnas.searcher.diagnosis.values import Comparison, Score, System
from bmnas.tasks import Regression, Task


@dataclass(frozen=True, eq=False)
class Fitted:
    """A system with its outputs of the held-out samples, (N held out, O)."""

    system: System
    outputs: Tensor

    @property
    def loss(self) -> float:
        """Of the held-out samples."""
        return self.system.held_out.loss


@dataclass(frozen=True, eq=False)
class Bench:
    """Where systems are fitted and compared. Use `Bench.of`.

    Attributes:
        task: fitted to the training labels.
        data: training samples, and validation samples behind them.
        train: the training samples of these.
        validation: the validation samples.
        cut: folds of the data.
        held_out: the samples that the folds hold out, by their place in the data, ascending.
        groups: of the held-out samples, where they are of some.
    """

    task: Task
    data: HeadData
    train: HeadData
    validation: HeadData
    cut: Sequence[Fold]
    held_out: Tensor
    groups: Tensor | None

    @classmethod
    def of(cls, task: Task, data: HeadData, groups: Tensor | None, last: int) -> Bench:
        """The folds are those that a search chooses heads by.

        Args:
            task: fitted to the training labels.
            data: of the training split, and of the validation split behind it.
            groups: of all samples of the two splits.
            last: how many of them are of the validation split.
        """
        cut = folds_of(data, task, groups, last)
        held_out = torch.cat([held for _, held in cut]).sort().values
        is_training = data.rows < (int(data.rows.max()) + 1 - last)
        train, validation = (data.part(chosen.nonzero()[:, 0]) for chosen in (is_training, ~is_training))
        own = None if groups is None else groups[data.rows][held_out.cpu()]
        return cls(task, data, train, validation, cut, held_out, own)

    @property
    def labels(self) -> Tensor:
        """Of the held-out samples."""
        return self.data.labels[self.held_out]

    def apart(self, subsets: Mapping[str, Sequence[Feature]], every: Sequence[Feature]) -> list[Fitted]:
        """For each subset of features, by its name, score fusion: heads fitted by themselves; of one feature its head.

        How much each head counts is fitted on the held-out samples, also where it is the only one.

        Args:
            subsets: by name.
            every: the features that all of them are of.
        """
        return self._sums(subsets, every, "apart")

    def joint(self, subsets: Mapping[str, Sequence[Feature]], every: Sequence[Feature]) -> list[Fitted]:
        """For each subset of features, the heads that are fitted together; arguments as of `apart`."""
        return self._sums(subsets, every, "joint")

    def _sums(self, subsets: Mapping[str, Sequence[Feature]], every: Sequence[Feature], way: Ways) -> list[Fitted]:
        fits = choose_fits(
            self._xs(self.data, every),
            self.data.labels,
            self.task.loss,
            self.task.outputs,
            self.cut,
            [[every.index(feature) for feature in features] for features in subsets.values()],
            way=way,
        )
        return [self._of_heads(name, subsets[name], fit) for name, fit in zip(subsets, fits, strict=True)]

    def learners(self, kinds: Mapping[str, Kind], features: Sequence[Feature]) -> list[Fitted]:
        """Small nonlinear ones, see `bmnas.searcher.diagnosis.nonlinear`.

        Args:
            kinds: by name; their inputs are numbers of features.
            features: of which they may read.
        """
        is_regression = isinstance(self.task.objective, Regression)
        every = learnt(
            self._xs(self.data, features),
            self.data.labels,
            self.task.loss,
            self.task.outputs,
            self.cut,
            list(kinds.values()),
            scale=float(self.data.labels.std()) if is_regression else 1.0,
        )
        found = []
        for (name, kind), outputs in zip(kinds.items(), every, strict=True):
            read = [features[i] for i in kind.inputs]
            system = System(
                name=name,
                kind="nonlinear",
                features=tuple(feature.name for feature in read),
                modalities=_modalities(read),
                held_out=self._score(outputs, self.labels),
            )
            found.append(Fitted(system, outputs))
        return found

    def right(self, fitted: Fitted) -> Tensor | None:
        """Which held-out samples it gets right; ``None`` where a label is not one class."""
        return right(self.task, fitted.outputs, self.labels)

    def compare(self, one: Fitted, baseline: Fitted) -> Comparison:
        """On the held-out samples."""
        of_one, of_baseline = (losses(self.task, each.outputs, self.labels) for each in (one, baseline))
        gain, error, p = paired(of_baseline - of_one, self.groups)
        accuracy, discordant = None, None
        first, second = self.right(one), self.right(baseline)
        if first is not None and second is not None:
            accuracy = float(first.double().mean() - second.double().mean())
            discordant = float((first != second).double().mean())
        return Comparison(
            system=one.system.name,
            baseline=baseline.system.name,
            gain=gain,
            error=error,
            p=p,
            accuracy=accuracy,
            discordant=discordant,
        )

    def _of_heads(self, name: str, features: Sequence[Feature], fit: HeadsFit) -> Fitted:
        xs = self._xs(self.train, features)
        heads = fit.heads(xs, self.train.labels, self.task.loss)
        system = System(
            name=name,
            kind="sum" if len(features) > 1 else "head",
            features=tuple(feature.name for feature in features),
            modalities=_modalities(features),
            penalty=fit.l2,
            training=self._score(summed(heads, xs), self.train.labels),
            validation=self._score(summed(heads, self._xs(self.validation, features)), self.validation.labels),
            held_out=self._score(fit.outputs, self.labels),
        )
        return Fitted(system, fit.outputs)

    def _xs(self, data: HeadData, features: Sequence[Feature]) -> list[Tensor]:
        names = [feature.name for feature in features]
        return data.scaled(names, dict.fromkeys(names, "each"))

    def _score(self, outputs: Tensor, labels: Tensor) -> Score:
        return Score(
            score=self.task.metric.score(outputs, labels), loss=float(losses(self.task, outputs, labels).mean())
        )


def _modalities(features: Sequence[Feature]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(feature.modality for feature in features))
