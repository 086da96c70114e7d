"""A candidate of a final choice on trial: trained without some of the samples, and looked at by these, fold after fold.

All folds are one computation, and so are the members of what becomes an ensemble in the end. Axes: F folds, M members
of each, N samples that a fold holds out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bmnas.compiler.ensemble import member_genotype
from bmnas.fit.events import Event, TrainingEpochDone
from bmnas.fit.folds import folds
from bmnas.fit.heads import Fold
from bmnas.genotype import Genotype
from bmnas.searcher.anchor import groups_of
from bmnas.searcher.beginning import Single
from bmnas.searcher.events import TrainingEnd
from bmnas.searcher.network_training import fitted
from bmnas.searcher.problem import SEARCHED, Problem
from bmnas.searcher.run.baselines import is_heads
from bmnas.searcher.run.held_out import Held, Stop, looks, losses_at
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.stacked_training import StackedTraining, at_once, member_seeds
from bmnas.tasks import Tick

# Of an ensemble, in each fold: one would say less of what gains most by being averaged, and all would say little more.
MEMBERS = 2


def cut_for(problem: Problem, most: int, seed: int) -> list[Fold]:
    """The folds of training + validation that candidates are judged by.

    Where backbones were trained on the training split, their features of it look better than those of new samples: then
    the validation split alone is held out, one half and the other.

    Args:
        problem: what is searched on.
        most: how many folds there are at most; at least two.
        seed: of the folds.
    """
    task, store = problem.task, problem.store
    labels, groups = labels_of(problem), groups_of(task, store, *SEARCHED)
    if task.backbones_saw_training:
        return folds(labels, groups, 2, seed, torch.arange(store.size("train"), len(labels)))
    return folds(labels, groups, max(2, most), seed)


def members_on_trial(genotype: Genotype) -> int:
    """How many networks stand for one: an ensemble is judged by some of its members."""
    return min(genotype.members, MEMBERS)


def parts_of(problem: Problem, genotype: Genotype, batch: int, cut: Sequence[Fold]) -> list[Sequence[Fold]]:
    """The folds in parts, each with as many as there is room for beside each other.

    Args:
        problem: what is searched on.
        genotype: of the candidate.
        batch: samples in a batch of one training.
        cut: the folds.
    """
    members = members_on_trial(genotype)
    member = fitted(member_genotype(genotype), problem.task)
    together = max(1, at_once(member, batch, problem.device, members * len(cut)) // members)
    return [cut[at : at + together] for at in range(0, len(cut), together)]


def end_of(genotype: Genotype, stop: Stop, config: TrainConfig) -> TrainingEnd:
    """How the training of a network ends where held-out samples say so, as settings; what changes nothing is left out.

    Args:
        genotype: the network.
        stop: what they say.
        config: the settings of the training.
    """
    is_solved = is_heads(genotype) and not config.modality_dropout
    is_all = is_solved or stop.epoch == config.epochs
    return TrainingEnd(
        stop_epoch=None if is_all else stop.epoch, temperature=None if stop.temperature == 1 else stop.temperature
    )


def labels_of(problem: Problem) -> Tensor:
    """Those of training + validation."""
    return torch.cat([problem.store.labels(split) for split in SEARCHED])


class Trial:
    """One candidate on some folds; it can be stopped at any step.

    Args:
        problem: what was searched on.
        genotype: of the candidate.
        config: the settings of its trainings.
        cut: F folds.
        title: what it is called.

    Attributes:
        held: what was seen so far.
    """

    def __init__(
        self,
        problem: Problem,
        genotype: Genotype,
        config: TrainConfig,
        cut: Sequence[Fold],
        title: str,
    ) -> None:
        members = members_on_trial(genotype)
        self._problem, self._members, self._cut, self._labels = problem, members, cut, labels_of(problem)
        self._training = StackedTraining(
            member_genotype(genotype),
            problem.task,
            problem.store,
            config,
            [Single(seed, fitted) for fitted, _ in cut for seed in member_seeds(config.seed, members)],
            device=problem.device,
            title=title,
        )
        self.held = self._looked()

    @property
    def place(self) -> str:
        """Where it stands, as a part of a sentence."""
        return self._training.place

    @property
    def tick(self) -> Tick:
        """How far it is, for displays."""
        return self._training.tick

    def steps(self) -> Iterator[Event]:
        """Do what remains, as long as it is worth it.

        Raises:
            Diverged: a loss or a weight is no number.
        """
        epochs = self._training.fit.epochs
        awaited = {epoch for epoch in looks(epochs) if epoch > self.held.epochs[-1]}
        if self.held.is_past_its_best(epochs):
            return
        for event in self._training.steps():
            if isinstance(event, TrainingEpochDone) and event.epoch in awaited:
                self.held = self.held.then(self._looked())
                if self.held.is_past_its_best(epochs):
                    return
            yield event

    def state(self) -> dict[str, Any]:
        """Everything that the rest depends on: tensors and plain values only."""
        return {"training": self._training.state(), "held": self.held.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        self._training.load_state(state["training"])
        self.held = Held.of_state(state["held"])

    def _looked(self) -> Held:
        task, device = self._problem.task, self._problem.device
        held_out = [held for _, held in self._cut]
        every = self._training.outputs([held for held in held_out for _ in range(self._members)])
        of_folds = [every[at : at + self._members] for at in range(0, len(every), self._members)]
        outputs = [torch.stack(members).mean(0) for members in of_folds]
        labels = [self._labels[held].to(device) for held in held_out]
        losses_TN = torch.cat([losses_at(task, *pair) for pair in zip(outputs, labels, strict=True)], 1)
        scores = [task.metric.score(*pair) for pair in zip(outputs, labels, strict=True)]
        sizes = [len(held) for held in held_out]
        score = sum(score * size for score, size in zip(scores, sizes, strict=True)) / sum(sizes)
        return Held((self._training.fit.epoch,), losses_TN[None], (score,))
