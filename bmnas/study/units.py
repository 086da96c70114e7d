"""The units of a study: what is made at a time, one row or several. A new system is one of these and a line in a list.

Every unit is made with each seed of the bench. Networks of all of them have the same optimiser, batches and most
epochs; when a training ends, and how sure its network is, is asked of the same held-out samples for each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from bmnas.errors import BmnasError
from bmnas.searcher import SearchConfig, open_run, search
from bmnas.searcher.events import ChoiceDone
from bmnas.searcher.run.baselines import FOUND, Baseline
from bmnas.searcher.run.choosing import found_by
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.study.bench import Bench
from bmnas.study.said import Said
from bmnas.study.training import Keeping, plain, together, trained

DELIVERED = "bmnas"
"""The title of what a search delivers: what it has found, or the baseline that its final choice took."""


@dataclass(frozen=True)
class Unit(ABC):
    """Something that gives rows.

    Attributes:
        name: its title, that of its row where there is one.
        source: what it is and where it comes from, for a reader of the table.
    """

    name: str
    source: str

    @abstractmethod
    def said(self, bench: Bench, keeping: Keeping) -> dict[str, Said]:
        """Make it, or go on with it; its rows by title."""

    def why_not(self, bench: Bench) -> str | None:
        """Why the task cannot have it; ``None`` where it can."""
        return None

    @property
    def sources(self) -> dict[str, str]:
        """What its rows are, by title, where they are known before."""
        return {self.name: self.source}


@dataclass(frozen=True)
class Fixed(Unit):
    """One network.

    Attributes:
        of: gives it for a bench.
    """

    of: Callable[[Bench], Baseline]

    def said(self, bench: Bench, keeping: Keeping) -> dict[str, Said]:
        """Train it with each seed."""
        return {self.name: trained(bench, self.name, self.of(bench), keeping)}

    def why_not(self, bench: Bench) -> str | None:
        """Some networks cannot read so many features."""
        try:
            self.of(bench)
        except BmnasError as error:
            return str(error)
        return None


@dataclass(frozen=True)
class Drawn(Unit):
    """Another network for each seed.

    Attributes:
        of: gives the network of a seed.
    """

    of: Callable[[Bench, int], Baseline]

    def said(self, bench: Bench, keeping: Keeping) -> dict[str, Said]:
        """Train each with its seed."""
        return {self.name: _each(bench, self.name, partial(self.of, bench), keeping)}


@dataclass(frozen=True)
class Searched(Unit):
    """What another search finds, trained as the other rows are.

    Attributes:
        given: its settings where they are not those of the bench.
        equal_seconds: whether it ends after as many seconds as the search of `Ours` with the same seed.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    equal_seconds: bool = False

    def said(self, bench: Bench, keeping: Keeping) -> dict[str, Said]:
        """Search with each seed, and train what was found."""
        found: dict[int, float] = {}

        def baseline(seed: int) -> Baseline:
            config = self._config(bench, seed)
            result = search(
                bench.task,
                config,
                folder=keeping.folder / f"seed{seed}",
                extraction=bench.extraction,
                evaluate=False,
                device=bench.device,
                cache=bench.cache,
                report=bench.report,
            )
            found[seed] = sum(entry["seconds"] for entry in result.history)
            anchor = bench.problem.anchor if config.anchor != "none" else None
            return Baseline(result.genotype, anchor.training if anchor else {})

        # In any of its forms, as what our own search finds, whose final choice tries them all.
        said = _each(bench, self.name, baseline, keeping, forms=True)
        seconds = tuple(
            {"search": round(found[seed], 2), **own} for seed, own in zip(bench.seeds, said.seconds, strict=True)
        )
        return {self.name: Said(said.outputs, said.parameters, seconds, said.facts)}

    def why_not(self, bench: Bench) -> str | None:
        """Some spaces need more features, or other ones."""
        try:
            self._config(bench, bench.seeds[0])
        except BmnasError as error:
            return str(error)
        return None

    def _config(self, bench: Bench, seed: int) -> SearchConfig:
        budget = _seconds_of_ours(bench, seed) if self.equal_seconds else None
        shared = {name: value for name, value in bench.config.flat().items() if name in _SHARED}
        # What it finds is the result, whether a baseline is as good or not.
        rest = {"seed": seed, "seeds": 1, "select_budget": 0, "budget_seconds": budget}
        return SearchConfig.for_task(bench.task, **{**shared, **rest, **self.given})


@dataclass(frozen=True)
class Ours(Unit):
    """The anchored search with its final choice: what it delivers, what it has found, and its baselines."""

    def said(self, bench: Bench, keeping: Keeping) -> dict[str, Said]:
        """Search with each seed, choose, train and test."""
        rows: dict[str, list[Said]] = {}
        for seed in bench.seeds:
            folder = folder_of_ours(bench, seed)
            search(
                bench.task,
                bench.config.model_copy(update={"seed": seed, "seeds": 1}),
                train=bench.train.model_copy(update={"seed": seed}),
                folder=folder,
                extraction=bench.extraction,
                device=bench.device,
                cache=bench.cache,
                report=bench.report,
            )
            run = open_run(folder)
            chosen = run.delivered(seed)
            spent = _seconds_by_part(run.history)
            found = found_by(run.history, seed, SeedFolder(run.folder_of(seed)))
            for row in run.rows():
                outputs, labels = run.outputs(row.name)
                if not torch.equal(labels.cpu(), bench.labels.cpu()):
                    raise BmnasError(f"{folder}: its test samples are not those of the task")
                own = {"training": row.seconds} | (spent if row.name == FOUND else {})
                facts: dict[str, Any] = {"genotypes": [plain(found)] if row.name == FOUND else [], "ends": None}
                said = Said(outputs[None], (row.parameters,), (own,), facts)
                rows.setdefault(row.name, []).append(said)
                if row.name == chosen:
                    whole = {"training": row.seconds, **spent}
                    result = {"genotypes": [plain(run.genotype())], "ends": {"chosen": chosen}}
                    said = Said(outputs[None], (row.parameters,), (whole,), result)
                    rows.setdefault(self.name, []).append(said)
        complete = {title: each for title, each in rows.items() if len(each) == len(bench.seeds)}
        last = complete.pop(self.name)  # below what it is compared with
        return {title: together(each) for title, each in {**complete, self.name: last}.items()}


# Settings of the bench that other searches have, too: sizes and the training of weights.
_SHARED = frozenset(
    {
        *("cells", "steps", "channels", "length", "dropout", "operations", "epochs", "batch_size", "lr", "min_lr"),
        *("weight_decay", "ensemble", "anchor", "scale", "cell_inputs", "step_inputs", "modality_dropout"),
    }
)


def _each(bench: Bench, title: str, of: Callable[[int], Baseline], keeping: Keeping, *, forms: bool = False) -> Said:
    """A network for each seed, each trained by itself."""
    found: list[Said] = []
    for seed in bench.seeds:
        below = keeping.under(f"seed{seed}-training")
        found.append(trained(bench.with_seeds([seed]), title, of(seed), below, forms=forms))
    return together(found)


def folder_of_ours(bench: Bench, seed: int) -> Any:
    """The run folder of our own search."""
    return bench.folder / "work" / "search" / f"seed{seed}"


def _seconds_of_ours(bench: Bench, seed: int) -> float:
    """What the search of `Ours` took, its selection included, its final choice not."""
    spent = _seconds_by_part(open_run(folder_of_ours(bench, seed)).history)
    return max(1.0, spent["search"])


def _seconds_by_part(history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    choices = [entry for entry in history if entry["event"] == ChoiceDone.__name__]
    searched = [entry for entry in history if entry["event"] != ChoiceDone.__name__]
    return {
        "search": round(sum(entry["seconds"] for entry in searched), 2),
        "choice": round(sum(entry["seconds"] for entry in choices), 2),
    }
