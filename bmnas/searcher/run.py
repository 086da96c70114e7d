"""`search`: the whole way from a task to a found, trained and compared network, in a run folder that can be resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bmnas.compiler import pool
from bmnas.genotype import BmnasError, Genotype, Provenance
from bmnas.genotype.canonical import hash_or_none
from bmnas.searcher.baselines import baselines
from bmnas.searcher.bilevel import Bilevel
from bmnas.searcher.config import SearchConfig, TrainConfig, command_line
from bmnas.searcher.derive import refuse_clashes, refuse_misfits, refuse_underivable
from bmnas.searcher.events import Event, Row
from bmnas.searcher.outcome import save_outcome, versions
from bmnas.searcher.run_folder import RunFolder
from bmnas.searcher.threads import threads_for
from bmnas.searcher.training import Trained, train_network
from bmnas.tasks import Extraction, FeatureStore, Progress, Task, get_task, prepare
from bmnas.tasks.fingerprint import of_json

Report = Callable[[Event | Progress], None]


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        genotype: the best genotype by validation score, with its provenance.
        history: the run's ``EpochDone`` events as plain data, one an epoch.
        rows: the comparison at the end; empty where it was not asked for.
        folder: the run folder.
    """

    genotype: Genotype
    history: list[dict[str, Any]]
    rows: list[Row]
    folder: Path


def search(
    task: Task | str = "digits",
    config: SearchConfig | None = None,
    *,
    train: TrainConfig | None = None,
    extraction: Extraction | None = None,
    folder: Path | str | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    evaluate: bool = True,
    force: bool = False,
    report: Report | None = None,
) -> SearchResult:
    """Search a fusion network for a task, then train and test it beside its baselines.

    Args:
        task: a task or its name.
        config: settings of the search; those that suit the task where it is left out.
        train: settings of the final trainings; the search's optimiser settings where it is left out.
        extraction: how features are extracted: views, precision, workers.
        folder: the run folder; ``runs/TASK-seedS`` where it is left out. A folder in which a search with the same
            settings was interrupted is continued, and on a CPU ends with the same genotype and scores.
        device: ``"cpu"``, ``"cuda"``, ...; the GPU where there is one, if left out.
        cache: where backbones and features are kept; see `bmnas.tasks.prepare`.
        evaluate: whether to train and test the found network and its baselines at the end.
        force: start over in a folder that holds another search.
        report: called with every event.

    Raises:
        BmnasError: settings, task or folder cannot be used; the message is one sentence.
    """
    task = get_task(task) if isinstance(task, str) else task
    config = config or SearchConfig.for_task(task)
    # Before backbones are trained, and before anything is written.
    refuse_underivable(len(task.features), config.cells, config.derive)
    refuse_misfits(task.features, config.channels)
    refuse_clashes([feature.name for feature in task.features], config.cells)
    train = train or TrainConfig.ending(task, config)
    where = pick_device(device)
    folder = Path(folder) if folder is not None else Path("runs") / f"{task.name}-seed{config.seed}"
    report = report or (lambda event: None)
    extraction = extraction or Extraction()
    settings = {**task.identity, "search": config.model_dump(mode="json"), "features": extraction.decisive}
    small = threads_for(config.batch_size * config.channels * config.length)
    with RunFolder.open(folder, settings, force=force) as run, small:
        store = prepare(
            task, length=config.length, pool=pool, extraction=extraction, device=where, cache=cache, report=report
        )
        history = _search(run, task, store, config, extraction, where, report)
        rows = _compare(run, task, store, config, train, where, report) if evaluate else []
        return SearchResult(run.genotype(), history, rows, folder)


def train(
    genotype: Genotype,
    task: Task | str = "digits",
    config: TrainConfig | None = None,
    *,
    extraction: Extraction | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    report: Report | None = None,
) -> Trained:
    """Train a genotype's network on a task's training + validation features, and score it once on test.

    Args:
        genotype: found or hand-written; its features are the task's, their channels may be left out.
        task: a task or its name.
        config: settings; those that suit the task where it is left out.
        extraction: as for `search`.
        device: as for `search`.
        cache: as for `search`.
        report: called with every event.

    Raises:
        BmnasError: the genotype does not fit the task.
    """
    task = get_task(task) if isinstance(task, str) else task
    config = config or TrainConfig.for_task(task)
    where = pick_device(device)
    length = genotype.representation.length
    store = prepare(task, length=length, pool=pool, extraction=extraction, device=where, cache=cache, report=report)
    with threads_for(config.batch_size * genotype.representation.channels * length):
        return train_network(genotype, task, store, config, device=where, report=report)


def extract(
    task: Task | str,
    length: int | None = None,
    *,
    extraction: Extraction | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    report: Report | None = None,
) -> FeatureStore:
    """Run a task's backbones over its data and keep their features, as `search` and `train` do.

    Args:
        task: a task or its name.
        length: L of the networks that will use the features; the one that suits the task where it is left out.
        extraction: as for `search`.
        device: as for `search`.
        cache: as for `search`.
        report: called with every event.

    Raises:
        BmnasError: the data cannot be used, or the cache cannot be written.
    """
    task = get_task(task) if isinstance(task, str) else task
    length = length or SearchConfig.for_task(task).length
    return prepare(
        task,
        length=length,
        pool=pool,
        extraction=extraction,
        device=pick_device(device),
        cache=cache,
        report=report or (lambda event: None),
    )


def pick_device(device: str | torch.device | None) -> torch.device:
    """The device asked for, or the GPU where there is one, or the CPU.

    Raises:
        BmnasError: there is no such device here.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
        torch.zeros(1, device=where).item()  # a device that computes: "meta" does not
    except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
        there = ["cpu", *(f"cuda:{n}" for n in range(torch.cuda.device_count()))]
        raise BmnasError(f"device {str(device)!r} cannot be used here; there is {', '.join(there)}") from error
    return where


def _search(
    run: RunFolder,
    task: Task,
    store: FeatureStore,
    config: SearchConfig,
    extraction: Extraction,
    device: torch.device,
    report: Report,
) -> list[dict[str, Any]]:
    """Run the epochs that remain. Returns the events of all epochs."""
    strategy = Bilevel(task, store, config, device)
    history = _restored(run, strategy, task, store)
    for event in strategy.epochs():
        history.append({"event": "EpochDone", **event.model_dump(mode="json")})
        provenance = Provenance(
            command=command_line("search", task, config, extraction),
            seed=config.seed,
            data=f"{task.name}@{store.key}",
            scores={"validation": event.score},
            seconds={"search": round(sum(entry["seconds"] for entry in history), 3)},
            versions=versions(),
            canonical_hash=hash_or_none(event.genotype),
        )
        genotype = event.genotype.model_copy(update={"provenance": provenance})
        run.epoch_done(event, genotype, _checkpoint(strategy, store, history))
        report(event)
    return history


def _checkpoint(strategy: Bilevel, store: FeatureStore, history: list[dict[str, Any]]) -> dict[str, Any]:
    parts = {name: of_json(value) for name, value in store.fingerprint.items()}
    return {"search": strategy.state(), "data": store.key, "made_from": parts, "history": history}


def _differing(parts: object, store: FeatureStore) -> str:
    """Which parts of the features' fingerprint are others than those in a checkpoint."""
    if not isinstance(parts, dict):
        return ""
    names = [name for name, value in store.fingerprint.items() if parts.get(name) != of_json(value)]
    return f" (made from other {', '.join(names)})" if names else ""


def _restored(run: RunFolder, strategy: Bilevel, task: Task, store: FeatureStore) -> list[dict[str, Any]]:
    """Put the strategy where the checkpoint says, if there is one. Returns the events of the epochs that are done."""
    state = run.checkpoint()
    if state is None:
        return []
    if state.get("data") != store.key:
        raise BmnasError(
            f"{run.path}: holds a search on other features than task {task.name} has now"
            f"{_differing(state.get('made_from'), store)}; name another folder with --out, or start over with --force"
        )
    try:
        strategy.load_state(state["search"])
        history = [{**event, "seconds": float(event["seconds"])} for event in state["history"]]
        if [event["epoch"] for event in history] != list(range(1, strategy.epoch + 1)):
            raise ValueError("the history is of other epochs")
    except Exception as error:
        # A file from anywhere: what it lacks shows itself as any of a dozen types of exceptions.
        raise run.bad_checkpoint(error) from error
    run.resume(history, strategy.best_epoch)
    return history


def _compare(
    run: RunFolder,
    task: Task,
    store: FeatureStore,
    config: SearchConfig,
    train: TrainConfig,
    device: torch.device,
    report: Report,
) -> list[Row]:
    """Train and test the found network and its baselines, each with the same budget; rows already done are kept."""
    found, settings = run.genotype(), train.model_dump(mode="json")
    rows = {row.name: row for row in run.rows(settings)}
    for name, genotype in {**baselines(task, config), "found network": found}.items():
        if name in rows and (genotype is not found or _is_tested(found)):
            continue
        trained = train_network(genotype, task, store, train, device=device, title=name, report=report)
        if genotype is found:
            save_outcome(found, trained, task, train, run.path / "genotype.json")
        seconds = round(trained.seconds, 3)
        rows[name] = Row(name=name, test=trained.test, parameters=trained.parameters, seconds=seconds)
        run.row_done(list(rows.values()), task.metric.name, settings)
        report(rows[name])
    return list(rows.values())


def _is_tested(genotype: Genotype) -> bool:
    return genotype.provenance is not None and "test" in genotype.provenance.scores
