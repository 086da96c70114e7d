"""The systems that `benchmarks/evidence.py` compares, as units of work: what one says of the test samples of a fold.

Whatever is trained has the settings of the anchored search on its task, features scaled as that search scales them, and
an end of its training (epoch, temperature) that was chosen by the same held-out samples as for the search's own rows.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import bmnas
from bmnas.compiler import pool
from bmnas.errors import BmnasError
from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.folds import folds
from bmnas.genotype import INPUT_NAMES, Genotype
from bmnas.genotype.presets import PRESETS, last_features
from bmnas.searcher import SearchConfig, TrainConfig
from bmnas.searcher.anchor import HeadData
from bmnas.searcher.events import ChoiceDone
from bmnas.searcher.problem import Problem
from bmnas.searcher.run.baselines import FOUND, Baseline, is_heads, rows_of
from bmnas.searcher.run.choice import FinalChoice, Variant
from bmnas.searcher.run.choosing import found_by
from bmnas.searcher.run.forms import AS_FOUND, forms_of
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.study.scikit import FITS
from bmnas.tasks import SPLITS, FeatureStore, Task, groups_of, prepare

Array = np.ndarray[Any, Any]

DELIVERED = "delivered"
SEARCH = "search"
FIXED = ("concat-fc", "mha", "aoa", "glu", "gmu", "sum")
_POPULATION = 4  # of evolution: the seconds of a search are enough for few candidates


@dataclass(frozen=True)
class Said:
    """What a unit gives.

    Attributes:
        outputs: by system, log-probabilities (N, classes) of the test samples.
        facts: about it, as JSON values.
    """

    outputs: Mapping[str, Tensor]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Bench:
    """One fold of a task.

    Attributes:
        task: of that fold.
        folder: where its results are.
        cache: of backbones and features.
        device: where networks are trained.
        kept: by seed, the facts of the anchored search, when it is done.
    """

    task: Task
    folder: Path
    cache: Path | None
    device: str
    kept: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def config(self, seed: int) -> SearchConfig:
        """The settings of the anchored search."""
        return SearchConfig.for_task(self.task, seed=seed)

    def train(self, seed: int) -> TrainConfig:
        """The settings of the trainings that end it."""
        return TrainConfig.ending(self.task, self.config(seed))

    @cached_property
    def store(self) -> FeatureStore:
        """The features, as searches read them."""
        length = self.config(0).length
        return prepare(self.task, length=length, pool=pool, device=torch.device(self.device), cache=self.cache)

    @cached_property
    def problem(self) -> Problem:
        """What the anchored searches search on; where they begin depends on no seed."""
        with undisturbed(), single_precision():
            return Problem.of(self.task, self.store, self.config(0), torch.device(self.device))

    @cached_property
    def labels(self) -> Tensor:
        """Of the test samples, (N,)."""
        return self.store.labels("test")

    @cached_property
    def groups(self) -> Tensor | None:
        """Of the test samples, (N,), where they are of groups."""
        return groups_of(self.task, self.store, "test")

    @cached_property
    def pooled(self) -> tuple[dict[str, Array], Array, dict[str, Array]]:
        """For scikit-learn: features (N, C) by name, means over positions; labels (N,); rows by split."""
        data = HeadData.of(self.store.data(*SPLITS), self.task.features, self.config(0).length)
        rows, starts = data.rows.numpy(), np.cumsum([0, *(self.store.size(split) for split in SPLITS)])
        splits: dict[str, Array] = {
            split: np.flatnonzero((rows >= start) & (rows < stop))
            for split, start, stop in zip(SPLITS, starts[:-1], starts[1:], strict=True)
        }
        if len(splits["test"]) != len(self.labels):
            raise BmnasError(f"task {self.task.name} has more samples than are pooled for scikit-learn")
        return {name: x.numpy() for name, x in data.pooled.items()}, data.labels.numpy(), splits


class Unit(ABC):
    """One thing to run for a fold and a seed.

    Attributes:
        seeded: whether seeds make a difference to it.
    """

    seeded = True

    @abstractmethod
    def settings(self, bench: Bench, seed: int) -> dict[str, Any]:
        """What decides the result, as JSON values."""

    @abstractmethod
    def said(self, bench: Bench, seed: int, work: Path) -> Said:
        """Run it, or go on with it.

        Args:
            bench: the fold.
            seed: of everything random.
            work: a folder for what is not finished.
        """

    def why_not(self, bench: Bench) -> str | None:
        """Why the task cannot have it; ``None`` where it can."""
        return None


class AnchoredSearch(Unit):
    """A search with the settings that suit the task: its rows are systems, and so is the one that it delivers."""

    def settings(self, bench: Bench, seed: int) -> dict[str, Any]:
        """Those of the search and of its trainings."""
        return _dumped(search=bench.config(seed), train=bench.train(seed))

    def said(self, bench: Bench, seed: int, work: Path) -> Said:
        """Search, choose, train and test."""
        bmnas.search(
            bench.task,
            bench.config(seed),
            train=bench.train(seed),
            folder=work,
            device=bench.device,
            cache=bench.cache,
        )
        run = bmnas.open_run(work)
        rows = run.rows()
        chosen = [entry for entry in run.history if entry["event"] == ChoiceDone.__name__]
        choice = chosen[-1] if chosen else {}
        delivered = choice.get("chosen", FOUND)
        outputs = {}
        for row in rows:
            given, labels = run.outputs(row.name)
            if not torch.equal(labels, bench.labels):
                raise BmnasError(f"{work}: its test samples are not those of the task")
            outputs[row.name] = _log_probabilities(given)
        outputs[DELIVERED] = outputs[delivered]
        found = found_by(run.history, seed, SeedFolder(run.folder_of(seed)))
        searched = [entry for entry in run.history if entry["event"] != ChoiceDone.__name__]
        facts = {
            "chosen": delivered,
            "rival": choice.get("rival"),
            "losses": choice.get("losses", {}),
            "folds": choice.get("folds"),
            "ends": choice.get("trainings_end", {}),
            "form": choice.get("form"),
            "runner_up": choice.get("runner_up"),
            "begin": bench.problem.anchor.sentence() if bench.problem.anchor else "",
            "seconds": {
                "search": round(sum(entry["seconds"] for entry in searched), 2),
                "choice": round(choice.get("seconds", 0), 2),
                "training": round(sum(row.seconds for row in rows), 2),
            },
            "genotypes": {DELIVERED: _plain(run.genotype()), FOUND: _plain(found)},
        }
        return Said(outputs, facts)


class ScikitLearn(Unit):
    """One of scikit-learn's baselines, on the features' means over positions.

    Args:
        name: in `FITS`.
        last: whether it reads the last feature of each modality alone.
    """

    def __init__(self, name: str, *, last: bool = False, seeded: bool = False) -> None:
        self._name, self._last, self.seeded = name, last, seeded

    def settings(self, bench: Bench, seed: int) -> dict[str, Any]:
        """What it reads."""
        names = [feature.name for feature in self._features(bench)]
        return {"baseline": self._name, "features": names, **({"seed": seed} if self.seeded else {})}

    def said(self, bench: Bench, seed: int, work: Path) -> Said:
        """Fit it, and fit it without the validation samples to know its loss on these."""
        every, labels, splits = bench.pooled
        views = {feature.name: every[feature.name] for feature in self._features(bench)}
        fit = partial(FITS[self._name], seed=seed)
        start = time.perf_counter()
        outputs, _ = fit(views, labels, splits)
        seconds = time.perf_counter() - start
        held_out = self._without_validation(bench, labels, splits)
        said, _ = fit(views, labels, held_out)
        answers = labels[held_out["test"]]
        facts = {
            "held_out_loss": -float(said[np.arange(len(answers)), answers].mean()),
            "seconds": {"training": round(seconds, 2)},
        }
        return Said({f"scikit-learn, {self._name}": torch.from_numpy(outputs)}, facts)

    def _features(self, bench: Bench) -> tuple[bmnas.Feature, ...]:
        return last_features(bench.task.features) if self._last else tuple(bench.task.features)

    def _without_validation(self, bench: Bench, labels: Array, splits: Mapping[str, Array]) -> dict[str, Array]:
        """The validation split as what is tested on, and a third of the training split as what is chosen by."""
        train, groups = splits["train"], groups_of(bench.task, bench.store, "train")
        fitted, held = (part.numpy() for part in folds(torch.from_numpy(labels[train]), groups, 3, seed=0)[0])
        return {"train": train[fitted], "validation": train[held], "test": splits["validation"]}


class Fixed(Unit):
    """A fusion from the literature of the last feature of each modality.

    Args:
        name: of the preset.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def settings(self, bench: Bench, seed: int) -> dict[str, Any]:
        """Those of the training, and what the network's sizes and scales follow from."""
        own = _dumped(search=bench.config(seed), train=bench.train(seed))
        return own | {"preset": self._name, "folds": _folds(bench)}

    def said(self, bench: Bench, seed: int, work: Path) -> Said:
        """Train it."""
        return _trained(bench, self._name, Baseline(self._genotype(bench)), seed, work)

    def why_not(self, bench: Bench) -> str | None:
        """A cell reads two to six features."""
        count = len(last_features(bench.task.features))
        return None if 2 <= count <= len(INPUT_NAMES) else f"a cell cannot read {count} features"

    def _genotype(self, bench: Bench) -> Genotype:
        config = bench.config(0)
        frame = {"channels": config.channels, "length": config.length, "dropout": config.dropout}
        genotype = PRESETS[self._name](last_features(bench.problem.features), outputs=bench.task.outputs, **frame)
        return genotype.replace(members=config.ensemble)


class OtherSearch(Unit):
    """Another search, whose found network is trained as that of the anchored search is.

    Args:
        name: of the system.
        equal_seconds: whether it ends after as many seconds as the anchored search of the same seed took.
        given: its settings where they are not those that suit the task.
    """

    def __init__(self, name: str, *, equal_seconds: bool = False, **given: Any) -> None:
        self._name, self._equal_seconds, self._given = name, equal_seconds, given

    def settings(self, bench: Bench, seed: int) -> dict[str, Any]:
        """Those of the search and of the training."""
        return _dumped(search=self._config(bench, seed), train=bench.train(seed)) | {"folds": _folds(bench)}

    def said(self, bench: Bench, seed: int, work: Path) -> Said:
        """Search, and train what was found."""
        config = self._config(bench, seed)
        found = bmnas.search(
            bench.task, config, folder=work / "search", evaluate=False, device=bench.device, cache=bench.cache
        )
        anchor = bench.problem.anchor if config.anchor != "none" else None
        said = _trained(
            bench, self._name, Baseline(found.genotype, anchor.training if anchor else {}), seed, work / "training"
        )
        seconds = {"search": round(sum(entry["seconds"] for entry in found.history), 2), **said.facts["seconds"]}
        counts = {name: found.history[-1][name] for name in ("trainings", "candidates")}
        return Said(said.outputs, {**said.facts, **counts, "seconds": seconds})

    def _config(self, bench: Bench, seed: int) -> SearchConfig:
        budget = max(1.0, bench.kept[seed]["seconds"]["search"]) if self._equal_seconds else None
        # What it finds is the result, whether a baseline is as good or not.
        return SearchConfig.for_task(bench.task, seed=seed, select_budget=0, budget_seconds=budget, **self._given)


UNITS: dict[str, Unit] = {
    SEARCH: AnchoredSearch(),
    "logistic": ScikitLearn("logistic"),
    "summed": ScikitLearn("summed", last=True),
    "mlp": ScikitLearn("mlp", seeded=True),
    **{name: Fixed(name) for name in FIXED},
    "random": OtherSearch("random search", equal_seconds=True, strategy="random"),
    "evolution": OtherSearch("evolution", equal_seconds=True, strategy="evolution", population=_POPULATION),
    "paper": OtherSearch("bilevel, paper's space", anchor="none"),
    "released": OtherSearch("released code's search", strategy="released"),
}
"""By name, as ``--systems`` takes them."""


def _trained(bench: Bench, name: str, baseline: Baseline, seed: int, work: Path) -> Said:
    """A network after a training whose end held-out samples have chosen, as for the rows of a search."""
    own, start = bench.train(seed), time.perf_counter()
    heads = next(row for row in rows_of(bench.problem).values() if is_heads(row.genotype))
    # Heads, which are fitted in no time, because there is no choice of one network alone.
    candidates = {"heads": heads, FOUND: baseline}
    variants = {FOUND: Variant()}
    for form, genotype in forms_of(baseline.genotype).items():
        if form != AS_FOUND:
            candidates[form] = Baseline(genotype)
            variants[form] = Variant(form=form)
    with undisturbed(), single_precision():
        choice = FinalChoice(bench.problem, candidates, own, _folds(bench), work / "choice.ckpt", variants)
        for _ in choice.steps():
            pass
        event = choice.chosen(seed, {"trainings": 0, "candidates": 0}, 0.0)
    end = event.trainings_end[FOUND].model_dump()
    spent = time.perf_counter() - start
    baseline = candidates.get(event.form, baseline)
    trained = bmnas.train(
        baseline.genotype,
        bench.task,
        own.model_copy(update={**baseline.training, **end}),
        device=bench.device,
        cache=bench.cache,
        checkpoint=work / "training.ckpt",
    )
    choice.remove()
    if trained.outputs is None or trained.labels is None or not torch.equal(trained.labels, bench.labels):
        raise BmnasError(f"{name}: its test samples are not those of the task")
    facts = {
        "held_out_loss": event.losses[FOUND],
        "ends": end,
        "parameters": trained.parameters,
        "seconds": {"choice": round(spent, 2), "training": round(trained.seconds, 2)},
        "genotypes": {name: _plain(baseline.genotype)},
    }
    return Said({name: _log_probabilities(trained.outputs)}, facts)


def _folds(bench: Bench) -> int:
    """In how many folds the end of a training is chosen: as many as in the search's own choice."""
    return next((facts["folds"] for facts in bench.kept.values() if facts["folds"]), 3)


def _log_probabilities(outputs: Tensor) -> Tensor:
    return outputs.double().log_softmax(1)


def _plain(genotype: Genotype) -> dict[str, Any]:
    return genotype.model_dump(mode="json", exclude={"provenance"}, exclude_none=True)


def _dumped(**settings: bmnas.SearchConfig | bmnas.TrainConfig) -> dict[str, Any]:
    return {name: each.model_dump(mode="json") for name, each in settings.items()}
