"""The comparison at the end of a search: the found network and its baselines, trained with the same budget, tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Literal

from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.events import TrainingEpochDone
from bmnas.genotype import Genotype
from bmnas.searcher.events import Row
from bmnas.searcher.meter import Listener, Report
from bmnas.searcher.problem import Problem
from bmnas.searcher.run.baselines import FOUND, compared
from bmnas.searcher.run.folder import RunFolder
from bmnas.searcher.run.forms import AS_FOUND, Form
from bmnas.searcher.run.outcome import BEST_ON_TEST, save_outcome
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.searcher.run.stages import phase_of, rows_outline
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.training import Trained, same_training, train_network
from bmnas.tasks import groups_of
from bmnas.tasks.portable import Bundle


class Comparison:
    """Trains and tests the found network and its baselines, each with the same budget; rows already done are kept.

    Args:
        run: the run folder, which logs the rows.
        problem: what was searched on.
        train: the settings of the trainings of the first seed.
        keeping: what keeps a training, from what decides its result, see `same_training`.
        report: called with every event.
        best_on_test: as in `train_network`.
        bundle: what the result takes along to be used elsewhere.
    """

    def __init__(
        self,
        run: RunFolder,
        problem: Problem,
        train: TrainConfig,
        keeping: Callable[[dict[str, Any]], Keeper],
        report: Report,
        best_on_test: bool,
        bundle: Bundle,
    ) -> None:
        self._bundle = bundle
        self._run, self._problem, self._train = run, problem, train
        self._keeping, self._report, self._best_on_test = keeping, report, best_on_test

    def rows(
        self,
        seed: int,
        place: SeedFolder,
        found: Genotype,
        chosen: str = FOUND,
        ends: Mapping[str, Mapping[str, Any]] | None = None,
        form: Form = AS_FOUND,
    ) -> list[Row]:
        """The rows of a seed.

        Args:
            seed: the seed.
            place: its folder, which has the result, and takes the rows.
            found: what its search has found.
            chosen: the row that is the result of the search.
            ends: by row, how its training ends, where a final choice has said so.
            form: of what was found, likewise.
        """
        task = self._problem.task
        train = self._train.model_copy(update={"seed": self._train.seed - self._problem.config.seed + seed})
        protocol: Literal["standard", "official"] = "official" if self._best_on_test else "standard"
        result, settings = place.genotype(), train.model_dump(mode="json")
        rows = {row.name: row for row in place.rows(settings) if row.protocol == protocol}
        self._bundle.save(place.path / "genotype.json", backbones=self._run.path)
        wanted = compared(self._problem, found, ends, form)
        self._report(rows_outline(wanted, train.epochs, seed, self._problem))
        is_new = False
        for name, row in wanted.items():
            if name in rows and (name != chosen or _is_tested(result)):
                continue
            genotype = result if name == chosen else row.genotype
            own = train.model_copy(update=dict(row.training))
            keeper = self._keeping(
                same_training(genotype, task, self._problem.store, own, best_on_test=self._best_on_test)
            )
            with self._curve(name, seed, place) as report:
                trained = self._trained(phase_of(name, self._problem.seeds, seed), genotype, own, keeper, report)
            if name == chosen:
                save_outcome(result, trained, task, own, place.path / "genotype.json")
            if trained.outputs is not None and trained.labels is not None:
                place.keep_outputs(name, trained.outputs, trained.labels, self._groups)
            seconds = round(trained.seconds, 3)
            rows[name] = Row(
                name=name, test=trained.test, parameters=trained.parameters, seconds=seconds, protocol=protocol
            )
            self._run.log(rows[name])
            place.row_done(list(rows.values()), task.metric.name, settings)
            keeper.remove()
            self._report(rows[name])
            is_new = True
        if is_new:
            self._run.board.result(seed, self._problem.config.model_dump(mode="json"), list(rows.values()))
        return list(rows.values())

    @contextmanager
    def _curve(self, name: str, seed: int, place: SeedFolder) -> Iterator[Report]:
        """What takes the events of a row's training, and keeps its losses, also those of one that is stopped."""
        noted = _Noted(self._report)
        try:
            yield noted
        finally:
            if noted.losses:
                place.keep_curve(name, noted.losses)
                self._run.board.training(seed, name, noted.losses)

    @cached_property
    def _groups(self) -> Tensor | None:
        """Of the samples of the test split; ``None`` where they are independent, or nobody can say."""
        try:
            return groups_of(self._problem.task, self._problem.store, "test")
        except BmnasError:
            return None

    def _trained(self, title: str, genotype: Genotype, train: TrainConfig, keeper: Keeper, report: Report) -> Trained:
        return train_network(
            genotype,
            self._problem.task,
            self._problem.store,
            train,
            device=self._problem.device,
            title=title,
            best_on_test=self._best_on_test,
            keeper=keeper,
            report=report,
        )


class _Noted(Listener):
    """Passes events on, and notes the losses of the epochs among them."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.losses: dict[int, float] = {}

    def __call__(self, event: Any) -> None:
        if isinstance(event, TrainingEpochDone):
            self.losses[event.epoch] = event.loss
        self._report(event)


def _is_tested(genotype: Genotype) -> bool:
    return genotype.provenance is not None and not genotype.provenance.scores.keys().isdisjoint(("test", BEST_ON_TEST))
