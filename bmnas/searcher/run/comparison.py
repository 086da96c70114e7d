"""The comparison at the end of a search: the found network and its baselines, trained with the same budget, tested."""

from __future__ import annotations

from typing import Literal

from bmnas.genotype import Genotype
from bmnas.searcher.events import Row
from bmnas.searcher.problem import Problem
from bmnas.searcher.run.baselines import baselines
from bmnas.searcher.run.folder import RunFolder
from bmnas.searcher.run.outcome import BEST_ON_TEST, save_outcome
from bmnas.searcher.run.rounds import Report
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.training import train_network


def compare(
    run: RunFolder,
    place: SeedFolder,
    problem: Problem,
    seed: int,
    train: TrainConfig,
    report: Report,
    best_on_test: bool = False,
) -> list[Row]:
    """Train and test the found network and its baselines, each with the same budget; rows already done are kept.

    Args:
        run: the run folder, which logs the rows.
        place: of the seed: it has the genotype, and takes the rows.
        problem: what was searched on.
        seed: which one.
        train: the settings of the trainings.
        report: called with every event.
        best_on_test: as in `train_network`.
    """
    task = problem.task
    protocol: Literal["standard", "official"] = "official" if best_on_test else "standard"
    train = train.model_copy(update={"seed": train.seed - problem.config.seed + seed})
    found, settings = place.genotype(), train.model_dump(mode="json")
    rows = {row.name: row for row in place.rows(settings) if row.protocol == protocol}
    for name, genotype in {**baselines(task, problem.config), "found network": found}.items():
        if name in rows and (genotype is not found or _is_tested(found)):
            continue
        trained = train_network(
            genotype,
            task,
            problem.store,
            train,
            device=problem.device,
            title=name,
            best_on_test=best_on_test,
            report=report,
        )
        if genotype is found:
            save_outcome(found, trained, task, train, place.path / "genotype.json")
        seconds = round(trained.seconds, 3)
        rows[name] = Row(
            name=name, test=trained.test, parameters=trained.parameters, seconds=seconds, protocol=protocol
        )
        run.log(rows[name])
        place.row_done(list(rows.values()), task.metric.name, settings)
        report(rows[name])
    return list(rows.values())


def _is_tested(genotype: Genotype) -> bool:
    return genotype.provenance is not None and not genotype.provenance.scores.keys().isdisjoint(("test", BEST_ON_TEST))
