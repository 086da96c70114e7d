"""The final choice of a seed as a round of its search, and what was found before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bmnas.fit.clock import Clock
from bmnas.genotype import Genotype
from bmnas.searcher.events import CandidateDone, ChoiceDone, RunnerUp
from bmnas.searcher.meter import Report
from bmnas.searcher.outline import Outline
from bmnas.searcher.run.baselines import FOUND, Baseline, compared
from bmnas.searcher.run.choice import FinalChoice, Variant
from bmnas.searcher.run.folder import RunFolder
from bmnas.searcher.run.forms import AS_FOUND, forms_of
from bmnas.searcher.run.interrupt import Stop
from bmnas.searcher.run.rounds import History, round_done, save_search
from bmnas.searcher.run.seed_folder import SeedFolder
from bmnas.searcher.run.stages import choice_stage, phase_of
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.strategies import Strategy
from bmnas.tasks import Remark


def choose(
    run: RunFolder,
    strategy: Strategy,
    seed: int,
    place: SeedFolder,
    train: TrainConfig,
    history: History,
    command: str,
    stop: Stop,
    again: str,
    report: Report,
) -> None:
    """Make the final choice of a seed, or go on with it; nothing where it is made.

    Args:
        run: the folder.
        strategy: has searched.
        seed: the seed.
        place: its folder.
        train: the settings of the trainings of the first seed.
        history: of the search; the choice is added to it.
        command: what starts the search, for the record.
        stop: looked at in every step.
        again: says that the search goes on, if it is stopped.
        report: called with the result.

    Raises:
        Interrupted: somebody wants it to stop; the trainings that are done are kept.
    """
    if _choice(history, seed):
        return
    problem = strategy.problem
    found, better = found_by(history, seed, place), problem.task.metric.higher_is_better
    candidates = {name: row for name, row in compared(problem, found).items() if row.fuses}
    variants = {FOUND: Variant()}
    for form, genotype in forms_of(found).items():
        if form != AS_FOUND:
            variants[f"{FOUND}, {form}"] = Variant(form=form)
            candidates[f"{FOUND}, {form}"] = Baseline(genotype)
    others = runners_up(history, seed, place, problem.config.tried, better)
    for number, other in enumerate(others, 1):
        variants[f"runner-up {number}"] = Variant(runner_up=number)
        candidates[f"runner-up {number}"] = Baseline(other, candidates[FOUND].training)
    own = train.model_copy(update={"seed": train.seed - problem.config.seed + seed})
    path = place.path / "checkpoints" / "choice.ckpt"
    clock = Clock()
    clock.start()
    with stop.waiting():
        choice = FinalChoice(problem, candidates, own, problem.config.select_budget, path, variants)
        phase = phase_of("final choice", problem.seeds, seed)
        report(Outline(stages=(choice_stage(phase, choice.epochs, problem),)))
        if 0 < choice.done < choice.trainings:
            report(Remark(f"continuing the final choice at training {choice.done + 1} of {choice.trainings}"))
        for _ in choice.steps():
            report(replace(choice.tick, phase=phase))
            if stop.asked:
                choice.keep()
                raise stop.interrupted(f"in the final choice; what is done is kept, and {again} there")
        before = [entry for entry in history if entry["seed"] == seed][-1]
        event = choice.chosen(seed, before, clock.lap())
        round_done(run, strategy, command, history, event)
        save_search(run, strategy, history)
    choice.remove()
    report(event)


def best_of(history: Sequence[Mapping[str, Any]], seed: int) -> Mapping[str, Any]:
    """The round that has the result of a seed."""
    return [entry for entry in history if entry["seed"] == seed and entry["best"]][-1]


def found_by(
    history: Sequence[Mapping[str, Any]], seed: int, place: SeedFolder, higher_is_better: bool = True
) -> Genotype:
    """What the search of a seed has found, whatever was chosen then.

    Args:
        history: of the search.
        seed: the seed.
        place: its folder.
        higher_is_better: of two scores.

    Raises:
        BmnasError: its file was changed.
    """
    made = _choice(history, seed)
    if made and made.get("runner_up"):
        return runners_up(history, seed, place, made["runner_up"], higher_is_better)[-1]
    return _of(best_of(_searched(history), seed), place)


def runners_up(
    history: Sequence[Mapping[str, Any]], seed: int, place: SeedFolder, most: int, higher_is_better: bool
) -> list[Genotype]:
    """The next best genotypes of a seed's search, the best of them first: a selection's, or trained candidates.

    Raises:
        BmnasError: a file was changed.
    """
    own = [entry for entry in _searched(history) if entry["seed"] == seed]
    found = [entry for entry in own if entry["event"] == RunnerUp.__name__]
    if not found:
        best = best_of(own, seed)
        candidates = [entry for entry in own if entry["event"] == CandidateDone.__name__ and entry is not best]
        sign = -1 if higher_is_better else 1
        found = sorted(candidates, key=lambda entry: sign * entry["score"])
    return [_of(entry, place) for entry in found[:most]]


def _searched(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [entry for entry in history if entry["event"] != ChoiceDone.__name__]


def _of(entry: Mapping[str, Any], place: SeedFolder) -> Genotype:
    return place.of_round(entry["event"], entry["round"], entry["sha256"])


def _choice(history: Sequence[Mapping[str, Any]], seed: int) -> Mapping[str, Any] | None:
    made = [entry for entry in history if entry["seed"] == seed and entry["event"] == ChoiceDone.__name__]
    return made[-1] if made else None
