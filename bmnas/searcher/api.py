"""`search`: the whole way from a task to a found, trained and compared network, in a run folder that can be resumed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bmnas.compiler import pool
from bmnas.errors import BmnasError, short
from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.memory import enough_memory
from bmnas.fit.threads import threads_for
from bmnas.genotype import Genotype
from bmnas.genotype.opening import opened
from bmnas.searcher.config import SearchConfig, refuse_unknown_suggestions, search_command
from bmnas.searcher.diagnosis import outlook as outlook_of
from bmnas.searcher.events import RoundDone, Row
from bmnas.searcher.meter import Listener, Report, Reporting, reporting
from bmnas.searcher.network_training import fitted, refuse_large
from bmnas.searcher.outline import Outline, Stage
from bmnas.searcher.problem import SEARCHED, Problem, refuse_large_batch, refuse_unsearchable
from bmnas.searcher.run.baselines import refuse_unwritable
from bmnas.searcher.run.choosing import best_of, choose, found_by
from bmnas.searcher.run.comparison import Comparison
from bmnas.searcher.run.folder import RunFolder
from bmnas.searcher.run.forms import form_told
from bmnas.searcher.run.interrupt import stoppable
from bmnas.searcher.run.results import SearchResult, SeedResult
from bmnas.searcher.run.rounds import History, do_rounds
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.searcher.run.stages import outline_of, preparation_of
from bmnas.searcher.run.status import noted_status
from bmnas.searcher.run.summary import summary_of
from bmnas.searcher.settings import TrainConfig, given_values
from bmnas.searcher.strategies import strategy_of
from bmnas.searcher.strategies.new_hypernet import refuse_large_hypernet
from bmnas.searcher.trackers import TRACKERS, tracking
from bmnas.searcher.training import Trained, same_training, train_network
from bmnas.tasks import Extraction, FeatureStore, Remark, Task, get_task, prepare
from bmnas.tasks.portable import bundle_of

_EARLY = "while the features were prepared; what is finished is kept, and "
_GOES_ON = "the same command goes on"
# Of a seed, what trackers keep.
_RESULT = ("genotype.json", "genotype.svg", "results.json")
# What a final choice says of the comparison: argument of `Comparison.rows`, field of `ChoiceDone`.
_TOLD = {"chosen": "chosen", "ends": "trainings_end"}


def search(
    task: Task | str = "digits",
    config: SearchConfig | Mapping[str, Any] | None = None,
    *,
    train: TrainConfig | Mapping[str, Any] | None = None,
    extraction: Extraction | Mapping[str, Any] | None = None,
    folder: Path | str | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    evaluate: bool = True,
    force: bool = False,
    checkpoint_every: int | None = None,
    outlook: bool = False,
    log_to: Sequence[str] = (),
    report: Reporting = "auto",
) -> SearchResult:
    """Search a fusion network for a task, then train and test it beside its baselines.

    Args:
        task: a task or its name.
        config: settings of the search; those that suit the task where it is left out. In a dictionary, those that are
            others: ``{"epochs": 5}``.
        train: settings of the final trainings, likewise; the search's optimiser settings where they are left out.
        extraction: how features are extracted, likewise: views, precision, workers.
        folder: the run folder; ``runs/TASK-seedS`` where it is left out. A folder in which a search with the same
            settings was interrupted is continued, and on a CPU ends with the same genotype and scores.
        device: ``"cpu"``, ``"cuda"``, ...; the GPU where there is one, if left out.
        cache: where backbones and features are kept; see `bmnas.tasks.prepare`.
        evaluate: whether to train and test the found network and its baselines at the end.
        force: start over in a folder that holds another search.
        checkpoint_every: write a checkpoint after so many steps of the search, too, not only after every epoch (or
            candidate) and where it is interrupted: what a kill without warning can lose at most. The trainings at the
            end have one every few seconds, and after so many steps.
        outlook: say first, as remarks, whether there is room for fusion, by linear heads alone (see `bmnas.diagnose`);
            in the paper's space nothing is said.
        log_to: tools for experiments that are told what happens, ``"wandb"`` or ``"mlflow"``, if their packages are
            installed. What goes wrong there is a remark, and stops no search.
        report: ``"auto"`` shows a bar in a terminal and in a notebook, and nothing elsewhere; ``None`` shows nothing; a
            function is called with every event.

    Raises:
        BmnasError: settings, task or folder cannot be used; the message is one sentence.
        Interrupted: Ctrl-C or SIGTERM, in the main thread. The step that is under way is finished first, and a
            checkpoint written; a second Ctrl-C does not wait for them. The same call goes on.
    """
    task = task_of(task)
    refuse_unknown_suggestions(task)
    config = SearchConfig.of(config, task)
    # Before backbones are trained, and before anything is written.
    refuse_unsearchable(task, config)
    refuse_unwritable(task, config)
    refuse_large_batch(task.name, {name: len(task.split(name)) for name in SEARCHED}, config.batch_size)
    kinds = {name: TRACKERS.find(name) for name in log_to}
    if checkpoint_every is not None and checkpoint_every < 1:
        raise BmnasError(f"setting checkpoint_every is {checkpoint_every}: it should be at least 1, in steps")
    if not isinstance(train, TrainConfig):
        train = TrainConfig.ending(task, config, **given_values(train, TrainConfig.__name__))
    where = pick_device(device)
    config.strategy.check_device(where)
    refuse_large_hypernet(task, config, where)
    folder = Path(folder) if folder is not None else Path("runs") / default_name(task, config)
    extraction = extraction_of(extraction)
    settings = {**task.identity, "search": config.model_dump(mode="json"), "features": extraction.decisive}
    small = threads_for(config.batch_size * config.channels * config.length)
    seeds = range(config.seed, config.seed + config.seeds)
    again = "the same command without --force goes on" if force else _GOES_ON
    with (
        stoppable(_EARLY + again) as stop,
        RunFolder.open(folder, settings, invocation=task.invocation, seeds=seeds, force=force) as run,
        noted_status(folder, search_command(task, config, extraction), where),
        small,
        enough_memory(where),
        reporting(report) as shown,
        tracking(kinds, shown, folder, settings) as (told, trackers),
        ExitStack() as own_state,
    ):
        done = _Noted(told)
        told(preparation_of(task, extraction, "the search"))
        store = _features(task, config.length, extraction, where, cache, told)
        own_state.enter_context(undisturbed())
        own_state.enter_context(single_precision())
        bundle = bundle_of(task, store, device=where, cache=cache) if evaluate else None
        problem = Problem.of(task, store, config, where, told)
        if outlook and problem.anchor and not run.has_begun:
            sentences = outlook_of(task, store, config.length, where, told)
            for sentence in sentences:
                told(Remark(sentence.removesuffix(".")))
            run.save_outlook(sentences)
        strategy = strategy_of(problem)
        told(outline_of(strategy, train.epochs, evaluate))
        command = search_command(task, config, extraction)
        history = do_rounds(run, strategy, command, done, stop, again, checkpoint_every)
        if evaluate and config.select_budget:
            for seed, place in run.seeds.items():
                choose(run, strategy, seed, place, train, history, command, stop, again, done)
        stop.says = f"in the comparison; the rows that are done are kept, and {again} with the next one"
        checkpoint = folder / "checkpoints" / "training.ckpt"
        keeping = partial(Keeper, checkpoint, every=checkpoint_every, stop=stop, again=f"{again} from there")
        comparison = None
        if bundle is not None:
            comparison = Comparison(run, problem, train, keeping, done, strategy.best_on_test, bundle)
        found = [
            _seed_result(seed, place, history, comparison, task.metric.higher_is_better)
            for seed, place in run.seeds.items()
        ]
        if done.something:
            for each in found:
                run.board.found(each.seed, each.genotype)
            trackers.keep([place.path / name for place in run.seeds.values() for name in _RESULT])
        else:
            told(Remark(f"already finished: {folder} has all of this search, and nothing was left to do"))
        best = found[0]
        for other in found[1:]:
            best = other if problem.better(other.score, best.score) else best
        summary = summary_of(
            list(run.seeds),
            [each.genotype for each in found],
            [each.score for each in found],
            [each.rows for each in found],
            best.seed,
        )
        if len(found) > 1:
            run.save_summary(summary)
        begin = problem.anchor.sentence() if problem.anchor else ""
        return SearchResult(best.genotype, history, best.rows, folder, found, summary, begin)


def train(
    genotype: Genotype | str | os.PathLike[str],
    task: Task | str = "digits",
    config: TrainConfig | Mapping[str, Any] | None = None,
    *,
    extraction: Extraction | Mapping[str, Any] | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int | None = None,
    report: Reporting = "auto",
) -> Trained:
    """Train a genotype's network on a task's training + validation features, and score it once on test.

    Args:
        genotype: found or hand-written, or its file; its features are the task's, their channels may be left out.
        task: a task or its name.
        config: settings; those that suit the task where it is left out. In a dictionary, those that are others.
        extraction: as for `search`.
        device: as for `search`.
        cache: as for `search`.
        checkpoint: a file that has the training every few seconds, and where it is interrupted. The same call goes on
            from there, and on a CPU ends with the same weights. Whoever keeps the result removes it.
        checkpoint_every: write it after so many steps, too.
        report: as for `search`.

    Raises:
        BmnasError: the genotype does not fit the task.
        Interrupted: as for `search`.
    """
    genotype, task = opened(genotype), task_of(task)
    refuse_unknown_suggestions(task)
    config, extraction = TrainConfig.of(config, task), extraction_of(extraction)
    where = pick_device(device)
    # Else it would be refused after the extraction.
    complete = fitted(genotype, task)
    if all(feature.channels is not None for feature in complete.features):
        refuse_large(complete, config.batch_size, where)
    length = genotype.representation.length
    small = threads_for(config.batch_size * genotype.representation.channels * length)
    with stoppable(_EARLY + _GOES_ON) as stop, reporting(report) as told:
        told(preparation_of(task, extraction, "the training"))
        store = _features(task, length, extraction, where, cache, told)
        keeper, stop.says = None, "in the training, of which nothing is kept"
        if checkpoint is not None:
            stop.says = f"in the training; {_GOES_ON} after the last checkpoint"
            of, again = same_training(genotype, task, store, config), f"{_GOES_ON} from there"
            keeper = Keeper(checkpoint, of, every=checkpoint_every, stop=stop, again=again)
        bundle = bundle_of(task, store, device=where, cache=cache)
        with small, enough_memory(where), undisturbed(), single_precision():
            told(Outline(stages=(Stage(phase=f"training of {genotype.name}", kind="network", cost=1),)))
            trained = train_network(genotype, task, store, config, device=where, keeper=keeper, report=told)
        return replace(trained, bundle=bundle)


def extract(
    task: Task | str,
    length: int | None = None,
    *,
    extraction: Extraction | Mapping[str, Any] | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    report: Reporting = "auto",
) -> FeatureStore:
    """Run a task's backbones over its data and keep their features, as `search` and `train` do.

    Args:
        task: a task or its name.
        length: L of the networks that will use the features; the one that suits the task where it is left out.
        extraction: as for `search`.
        device: as for `search`.
        cache: as for `search`.
        report: as for `search`.

    Raises:
        BmnasError: the data cannot be used, or the cache cannot be written.
    """
    task, extraction = task_of(task), extraction_of(extraction)
    refuse_unknown_suggestions(task)
    length = length or SearchConfig.for_task(task).length
    with stoppable(_EARLY + _GOES_ON), reporting(report) as told:
        told(preparation_of(task, extraction, ""))
        return _features(task, length, extraction, pick_device(device), cache, told)


def task_of(given: Task | str | os.PathLike[str]) -> Task:
    """A task as it is, or the one of that name, file or folder.

    Raises:
        BmnasError: it is none of these, or there is none.
    """
    if isinstance(given, Task):
        return given
    if isinstance(given, str | os.PathLike):
        return get_task(os.fspath(given))
    raise BmnasError(f"{short(given)} is no task, nor the name, the file or the folder of one")


def extraction_of(given: Extraction | Mapping[str, Any] | None) -> Extraction:
    """How features are extracted, as a person gives it to a function.

    Raises:
        BmnasError: it is something else, or a value makes no sense.
    """
    return given if isinstance(given, Extraction) else Extraction(**given_values(given, Extraction.__name__))


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


def default_name(task: Task, config: SearchConfig) -> str:
    """Of a run folder: ``digits-seed0``; other strategies and several seeds are named."""
    strategy = "" if config.strategy.kind == SearchConfig.usual() else f"-{config.strategy.kind}"
    seeds = f"-seed{config.seed}" if config.seeds == 1 else f"-seeds{config.seed}to{config.seed + config.seeds - 1}"
    return f"{task.name}{strategy}{seeds}"


class _Noted(Listener):
    """Passes events on, and notes whether there was any of work."""

    def __init__(self, report: Report) -> None:
        self._report, self.something = report, False

    def __call__(self, event: Any) -> None:
        self.something |= isinstance(event, RoundDone | Row)
        self._report(event)


def _seed_result(
    seed: int, place: SeedFolder, history: History, comparison: Comparison | None, higher_is_better: bool
) -> SeedResult:
    """What a seed has found, with its comparison where there is to be one."""
    best = best_of(history, seed)
    # `bmnas train` may have put an earlier genotype there again, with its results.
    place.restore(best["event"], best["round"], best["sha256"])
    rows = []
    if comparison is not None:
        told = {name: best[key] for name, key in _TOLD.items() if key in best}
        found = found_by(history, seed, place, higher_is_better)
        rows = comparison.rows(seed, place, found, form=form_told(best), **told)
    return SeedResult(seed, place.genotype(), best["score"], rows, place.path)


def _features(
    task: Task,
    length: int,
    extraction: Extraction | None,
    device: torch.device,
    cache: Path | None,
    report: Report,
) -> FeatureStore:
    with enough_memory(device, "the backbones need another device, or their task a smaller extraction_batch"):
        return prepare(task, length=length, pool=pool, extraction=extraction, device=device, cache=cache, report=report)
