"""The final choice: the found network and the baselines, compared by cross-validation on training + validation data.

Each is trained without some of the samples and scored on these, until every one was left out once; what counts is the
loss (of classes, the negative log-likelihood), which says more about few samples than the metric does. Each counts as
good as it is when its training stops at its best, at its best temperature (`bmnas.searcher.run.held_out`); so it is
trained in the end. What was found is the result only if its loss is smaller than that of the best baseline by more
than the noise: the standard error of the difference, sample by sample, of which those of one group count as one. So
where nothing pays, the result is the best simple thing. The test split takes no part.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor

from bmnas.compiler.ensemble import member_genotype
from bmnas.evaluation.paired import paired
from bmnas.files import sealed, unsealed, write_atomically
from bmnas.fit.events import Pause, TrainingEpochDone
from bmnas.fit.folds import folds
from bmnas.genotype import Genotype
from bmnas.searcher.anchor import groups_of
from bmnas.searcher.calibration import temperatures
from bmnas.searcher.events import ChoiceDone, TrainingEnd, Tried
from bmnas.searcher.network_training import NetworkTraining
from bmnas.searcher.problem import SEARCHED, Problem
from bmnas.searcher.run.baselines import FOUND, Baseline
from bmnas.searcher.run.held_out import Held, Stop, best_stop, looks, losses_at
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.training import same_training
from bmnas.tasks import Tick
from bmnas.tasks.fingerprint import of_json

_MOST_FOLDS = 5


@dataclass(frozen=True)
class Variant:
    """A form of what was found.

    Attributes:
        join: how its output is joined.
        runner_up: 0 for what was selected, or the number of the runner-up.
    """

    join: Literal["sum", "concat"] = "sum"
    runner_up: int = 0


class FinalChoice:
    """Compares networks.

    Args:
        problem: what was searched on.
        candidates: by name, from simple to less simple; the found network is among them.
        train: the settings of the trainings.
        budget: how many trainings of networks with more than heads there are at most; at least two of each.
        path: a file that keeps what is done, so that a choice which was stopped goes on.
        variants: the candidates that count as what was found: the best of them is.
    """

    def __init__(
        self,
        problem: Problem,
        candidates: Mapping[str, Baseline],
        train: TrainConfig,
        budget: int,
        path: Path,
        variants: Mapping[str, Variant] = MappingProxyType({FOUND: Variant()}),
    ) -> None:
        self._variants = variants
        self._problem, self._candidates, self._train, self._path = problem, candidates, train, path
        task, store = problem.task, problem.store
        self._labels = torch.cat([store.labels(split) for split in SEARCHED])
        self._groups = groups_of(task, store, *SEARCHED)
        networks = sum(1 for each in candidates.values() if not _is_heads(each.genotype))
        count = max(2, min(_MOST_FOLDS, budget // max(1, networks)))
        held_out = None
        if task.backbones_saw_training:  # their features of the training split look better than those of new samples
            held_out = torch.arange(store.size("train"), len(self._labels))
            count = 2  # the training split is in each of them
        self._folds = folds(self._labels, self._groups, count, train.seed, held_out)
        self._of = of_json([self._identity(each) for each in candidates.values()] + [len(self._folds)])
        self._done = self._read()
        self._now: NetworkTraining | None = None  # that is under way

    @property
    def tick(self) -> Tick:
        """How far it is, for displays: in trainings."""
        part = self._now.tick if self._now else None
        share = part.done / part.total if part and part.total else 0.0
        return Tick("final choice", len(self._done) + share, self.trainings, unit="trainings")

    @property
    def trainings(self) -> int:
        """How many there are."""
        return len(self._candidates) * len(self._folds)

    @property
    def done(self) -> int:
        """How many of them are done."""
        return len(self._done)

    @property
    def epochs(self) -> int:
        """How many epochs they have at most, those of heads alone not counted."""
        networks = sum(1 for each in self._candidates.values() if not _is_heads(each.genotype))
        return networks * len(self._folds) * self._train.epochs

    def steps(self) -> Iterator[Pause]:
        """Do the trainings that are not done yet; what a training gave is kept when it is over."""
        for name, candidate in self._candidates.items():
            for number, (fitted, held) in enumerate(self._folds):
                key = f"{name}/{number}"
                if key not in self._done:
                    held_out = yield from self._trained(name, candidate, fitted, held)
                    self._done[key], self._now = held_out, None
                    self._write()

    def chosen(self, seed: int, before: Mapping[str, Any], seconds: float) -> ChoiceDone:
        """What was chosen, when all trainings are done.

        Args:
            seed: of the search.
            before: the counts of the round before it.
            seconds: that it took.
        """
        stops = {name: self._stop(name) for name in self._candidates}
        variants = {name: stops.pop(name) for name in self._variants}
        form = min(variants, key=lambda each: float(variants[each].losses.mean()))
        stops[FOUND], candidates = variants[form], {**self._candidates, FOUND: self._candidates[form]}
        losses = {name: stop.losses for name, stop in stops.items()}
        groups = None if self._groups is None else self._groups[torch.cat([held for _, held in self._folds])]
        means = {other: float(each.mean()) for other, each in losses.items()}
        rival = min((other for other in losses if other != FOUND), key=means.__getitem__)
        difference, error, _ = paired(losses[FOUND] - losses[rival], groups)
        name = FOUND if difference < -error else rival
        return ChoiceDone(
            seed=seed,
            round=1,
            rounds=1,
            score=stops[name].score,
            trainings=before["trainings"] + len(self._done),
            candidates=before["candidates"] + len(self._candidates),
            seconds=seconds,
            genotype=candidates[name].genotype,
            best=True,
            chosen=name,
            losses=means,
            rival=rival,
            difference=difference,
            error=error,
            folds=len(self._folds),
            join=self._variants[form].join,
            runner_up=self._variants[form].runner_up,
            trainings_end={other: self._end(other, stop) for other, stop in stops.items()},
            tried=tuple(
                Tried(join=own.join, runner_up=own.runner_up, loss=float(stop.losses.mean()), score=stop.score)
                for own, stop in ((self._variants[name], stop) for name, stop in variants.items())
            ),
        )

    def remove(self) -> None:
        """Remove what was kept to go on with."""
        self._path.unlink(missing_ok=True)

    def _trained(self, name: str, candidate: Baseline, fitted: Tensor, held: Tensor) -> Generator[Pause, None, Held]:
        training = NetworkTraining(
            member_genotype(candidate.genotype),  # what one of them is worth says enough of an ensemble
            self._problem.task,
            self._problem.store,
            self._settings(candidate),
            device=self._problem.device,
            title=f"{name} in the final choice",
            samples=fitted,
        )
        self._now = training
        found = [self._looked(training, held)]
        awaited = set(looks(training.fit.epochs)) - {0}
        for event in training.steps():
            if isinstance(event, Pause):
                yield event
            elif isinstance(event, TrainingEpochDone) and event.epoch in awaited:
                found.append(self._looked(training, held))
                if _together(found).is_past_its_best(training.fit.epochs):
                    break
        return _together(found)

    def _looked(self, training: NetworkTraining, held: Tensor) -> Held:
        task, labels = self._problem.task, self._labels[held].to(self._problem.device)
        outputs = training.outputs(held)
        score = task.metric.score(outputs, labels)
        return Held((training.fit.epoch,), losses_at(task, outputs, labels)[None], (score,))

    def _settings(self, candidate: Baseline) -> TrainConfig:
        return self._train.model_copy(update=dict(candidate.training))

    def _stop(self, name: str) -> Stop:
        folds = [self._done[f"{name}/{number}"] for number in range(len(self._folds))]
        return best_stop(folds, temperatures(self._problem.task))

    def _end(self, name: str, stop: Stop) -> TrainingEnd:
        """As settings; what changes nothing is left out."""
        is_solved = _is_heads(self._candidates[name].genotype) and not self._train.modality_dropout
        is_all = is_solved or stop.epoch == self._train.epochs
        return TrainingEnd(
            stop_epoch=None if is_all else stop.epoch, temperature=None if stop.temperature == 1 else stop.temperature
        )

    def _identity(self, candidate: Baseline) -> dict[str, Any]:
        problem = self._problem
        return same_training(candidate.genotype, problem.task, problem.store, self._settings(candidate))

    def _read(self) -> dict[str, Held]:
        """What a choice between the same candidates has left; nothing where the file is none of it."""
        try:
            content = torch.load(io.BytesIO(unsealed(self._path.read_bytes())), map_location="cpu", weights_only=True)
            if content["of"] != self._of:
                return {}
            return {key: Held.of_state(state) for key, state in content["done"].items()}
        except Exception:  # there is none, or it is damaged, which torch reports with many types of exceptions
            return {}

    def _write(self) -> None:
        buffer = io.BytesIO()
        torch.save({"of": self._of, "done": {key: held.state() for key, held in self._done.items()}}, buffer)
        write_atomically(self._path, sealed(buffer.getvalue()))


def _is_heads(genotype: Genotype) -> bool:
    return genotype.join == "sum" and not genotype.cells


def _together(found: Sequence[Held]) -> Held:
    """Several looks, one after the other."""
    epochs = tuple(epoch for each in found for epoch in each.epochs)
    scores = tuple(score for each in found for score in each.scores)
    return Held(epochs, torch.cat([each.losses for each in found]), scores)
