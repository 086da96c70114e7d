"""The final choice: the found network and the baselines, compared by cross-validation on training + validation data.

Each is trained without some of the samples and scored on these, until every one was left out once; what counts is the
loss (of classes, the negative log-likelihood), which says more about few samples than the metric does. Each counts as
good as it is when its training stops at its best, at its best temperature (`bmnas.searcher.run.held_out`); so it is
trained in the end. What is best says for each fold the others, so that nobody gains by having more to choose from. What
was found is the result only if its loss is smaller than that of the best baseline by more
than the noise: the standard error of the difference, sample by sample, of which those of one group count as one. So
where nothing pays, the result is the best simple thing. The test split takes no part.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from bmnas.evaluation.paired import paired
from bmnas.files import sealed, unsealed, write_atomically
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.events import Event, Pause
from bmnas.searcher.anchor import groups_of
from bmnas.searcher.calibration import temperatures
from bmnas.searcher.events import ChoiceDone, Tried
from bmnas.searcher.problem import SEARCHED, Problem
from bmnas.searcher.run.baselines import FOUND, Baseline, is_heads
from bmnas.searcher.run.forms import AS_FOUND, Form
from bmnas.searcher.run.held_out import Held, best_stop, fair_losses, together
from bmnas.searcher.run.trial import MEMBERS, Trial, cut_for, end_of, members_on_trial, parts_of
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.training import same_training
from bmnas.tasks import Tick
from bmnas.tasks.fingerprint import of_json

_MOST_FOLDS = 5


@dataclass(frozen=True)
class Variant:
    """A form of what was found.

    Attributes:
        form: its form.
        runner_up: 0 for what was selected, or the number of the runner-up.
    """

    form: Form = AS_FOUND
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
        self._groups = groups_of(problem.task, problem.store, *SEARCHED)
        networks = sum(1 for each in candidates.values() if not is_heads(each.genotype))
        self._folds = cut_for(problem, min(_MOST_FOLDS, budget // max(1, networks)), train.seed)
        self._of = of_json([self._identity(each) for each in candidates.values()] + [len(self._folds), MEMBERS])
        self._parts = {
            name: parts_of(problem, each.genotype, self._settings(each).batch_size, self._folds)
            for name, each in candidates.items()
        }
        self._keys = [key for name in candidates for key in self._keys_of(name)]
        self._done = self._read()
        self._now: Trial | None = None  # that is under way
        self._key = ""

    @property
    def tick(self) -> Tick:
        """How far it is, for displays: in trainings."""
        done: float = self.done
        if self._now and (part := self._now.tick).total:
            done += part.done / part.total * self._count(self._key)
        return Tick("final choice", done, self.trainings, unit="trainings")

    @property
    def trainings(self) -> int:
        """How many there are."""
        return sum(map(self._count, self._keys))

    @property
    def done(self) -> int:
        """How many of them are done."""
        return sum(map(self._count, self._done))

    @property
    def epochs(self) -> int:
        """How many epochs they have at most, those of heads alone not counted."""
        networks = [each for each in self._candidates.values() if not is_heads(each.genotype)]
        return sum(members_on_trial(each.genotype) for each in networks) * len(self._folds) * self._train.epochs

    def steps(self) -> Iterator[Event]:
        """Do the trainings that are not done yet; what they gave is kept when they are over."""
        for key in self._keys:
            if key not in self._done:
                keeper = self._keeper(key)
                self._key, self._now = key, keeper.resumed(partial(self._trial, key))
                yield Pause()  # heads have been fitted
                yield from keeper.steps(self._now)
                self._done[key], self._now = self._now.held, None
                self._write()
                keeper.remove()

    def keep(self) -> None:
        """Keep what is under way, too."""
        if self._now:
            self._keeper(self._key).save(self._now)

    def chosen(self, seed: int, before: Mapping[str, Any], seconds: float) -> ChoiceDone:
        """What was chosen, when all trainings are done.

        Args:
            seed: of the search.
            before: the counts of the round before it.
            seconds: that it took.
        """
        held = {name: together([self._done[key] for key in self._keys_of(name)]) for name in self._candidates}
        best = {name: best_stop(each, temperatures(self._problem.task)) for name, each in held.items()}
        form = min(self._variants, key=lambda name: float(held[name].losses.double().mean(2).min()))
        candidates = {**self._candidates, FOUND: self._candidates[form]}
        stops = {name: stop for name, stop in best.items() if name not in self._variants} | {FOUND: best[form]}
        fold_N = torch.cat([torch.full_like(rows, fold) for fold, (_, rows) in enumerate(self._folds)])
        forms = {name: [held[each] for each in (self._variants if name == FOUND else [name])] for name in stops}
        losses = {name: fair_losses(own, fold_N) for name, own in forms.items()}
        groups = None if self._groups is None else self._groups[torch.cat([rows for _, rows in self._folds])]
        means = {other: float(each.mean()) for other, each in losses.items()}
        rival = min((other for other in losses if other != FOUND), key=means.__getitem__)
        difference, error, _ = paired(losses[FOUND] - losses[rival], groups)
        name = FOUND if difference < -error else rival
        return ChoiceDone(
            seed=seed,
            round=1,
            rounds=1,
            score=stops[name].score,
            trainings=before["trainings"] + self.done,
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
            form=self._variants[form].form,
            runner_up=self._variants[form].runner_up,
            trainings_end={
                other: end_of(candidates[other].genotype, stop, self._train) for other, stop in stops.items()
            },
            tried=tuple(
                Tried(
                    form=own.form,
                    runner_up=own.runner_up,
                    loss=float(held[name].losses.double().mean(2).min()),
                    score=best[name].score,
                )
                for name, own in self._variants.items()
            ),
        )

    def remove(self) -> None:
        """Remove what was kept to go on with."""
        self._path.unlink(missing_ok=True)
        self._keeper(self._key).remove()

    def _trial(self, key: str) -> Trial:
        name, number = key.rsplit("/", 1)
        candidate = self._candidates[name]
        return Trial(
            self._problem,
            candidate.genotype,
            self._settings(candidate),
            self._parts[name][int(number)],
            f"{name} in the final choice",
        )

    def _keeper(self, key: str) -> Keeper:
        return Keeper(self._path.with_name(f"{self._path.stem}-training.ckpt"), [self._of, key])

    def _settings(self, candidate: Baseline) -> TrainConfig:
        return self._train.model_copy(update=dict(candidate.training))

    def _keys_of(self, name: str) -> list[str]:
        return [_key(name, number) for number in range(len(self._parts[name]))]

    def _count(self, key: str) -> int:
        name, number = key.rsplit("/", 1)
        return members_on_trial(self._candidates[name].genotype) * len(self._parts[name][int(number)])

    def _identity(self, candidate: Baseline) -> dict[str, Any]:
        problem = self._problem
        return same_training(candidate.genotype, problem.task, problem.store, self._settings(candidate))

    def _read(self) -> dict[str, Held]:
        """What a choice between the same candidates has left; nothing where the file is none of it."""
        try:
            content = torch.load(io.BytesIO(unsealed(self._path.read_bytes())), map_location="cpu", weights_only=True)
            if content["of"] != self._of:
                return {}
            found = {key: Held.of_state(state) for key, state in content["done"].items()}
            return found if found.keys() <= set(self._keys) else {}
        except Exception:  # there is none, or it is damaged, which torch reports with many types of exceptions
            return {}

    def _write(self) -> None:
        buffer = io.BytesIO()
        torch.save({"of": self._of, "done": {key: held.state() for key, held in self._done.items()}}, buffer)
        write_atomically(self._path, sealed(buffer.getvalue()))


def _key(name: str, part: int) -> str:
    return f"{name}/{part}"
