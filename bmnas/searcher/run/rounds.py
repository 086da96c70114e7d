"""The rounds of a search, one after the other, into its run folder: where checkpoints are written, and it can stop."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any, cast

from bmnas.errors import BmnasError
from bmnas.fit.events import Event, Pause
from bmnas.genotype import Provenance
from bmnas.genotype.canonical import hash_or_none
from bmnas.searcher.events import ChoiceDone, RoundDone, RunnerUp
from bmnas.searcher.meter import Report
from bmnas.searcher.run.folder import RunFolder
from bmnas.searcher.run.interrupt import Stop
from bmnas.searcher.run.outcome import versions
from bmnas.searcher.strategies import Strategy
from bmnas.tasks import FeatureStore, Remark
from bmnas.tasks.fingerprint import of_json

History = list[dict[str, Any]]


# What a history has beside the rounds of the strategy.
_NO_ROUNDS = (RunnerUp.__name__, ChoiceDone.__name__)


def do_rounds(
    run: RunFolder,
    strategy: Strategy,
    command: str,
    report: Report,
    stop: Stop,
    again: str,
    every: int | None = None,
) -> History:
    """Do what remains of a search.

    Args:
        run: the folder. What it has of the same search is continued.
        strategy: how is searched.
        command: what starts the same search, for the record.
        report: called with every event but pauses.
        stop: looked at whenever the strategy could be stopped.
        again: says that the search goes on, if it is stopped.
        every: write a checkpoint after so many steps.

    Returns:
        The events of all rounds.

    Raises:
        Interrupted: somebody wants it to stop; a checkpoint has been written.
        Diverged: the search has left the finite numbers; no checkpoint has been written since.
    """
    goes_on = run.has_begun
    history = _restored(run, strategy)

    def save() -> None:
        save_search(run, strategy, history)

    stop.says = f"at once; {again} after the last checkpoint"
    pending, steps = False, 0  # rounds, and steps, that no checkpoint has yet
    where = strategy.goes_on if goes_on else ""
    # Closed even where an error's traceback still refers to it, so that the caller has his random numbers back.
    with stop.waiting(), closing(cast(Generator[Event], strategy.events())) as events:
        for event in events:
            if where:  # there is something left to do
                report(Remark(f"continuing {where}"))
                where = ""
            if isinstance(event, RoundDone):
                round_done(run, strategy, command, history, event)
                pending = True
            elif isinstance(event, Pause):
                steps += 1
                if pending or event.save or stop.asked or steps == every:
                    save()
                    pending, steps = False, 0
                if stop.asked:
                    raise stop.interrupted(f"{strategy.place}; a checkpoint is written, and {again} from there")
            report(strategy.tick if isinstance(event, Pause) else event)
        if pending:
            save()
    if stop.asked:
        raise stop.interrupted(f"when the search was done; {again} with what is left")
    return history


def round_done(run: RunFolder, strategy: Strategy, command: str, history: History, event: RoundDone) -> None:
    """Keep what a round has brought."""
    task, store = strategy.problem.task, strategy.problem.store
    history.append({"event": type(event).__name__, **event.model_dump(mode="json")})
    own = [entry for entry in history if entry["seed"] == event.seed]
    provenance = Provenance(
        command=command,
        seed=event.seed,
        data=f"{task.name}@{store.key}",
        scores={"validation": event.score},
        seconds={"search": round(sum(entry["seconds"] for entry in own), 3)},
        versions=versions(),
        canonical_hash=hash_or_none(event.genotype),
    )
    run.round_done(event, event.genotype.model_copy(update={"provenance": provenance}))


def save_search(run: RunFolder, strategy: Strategy, history: History) -> None:
    """Write a checkpoint of all that is done."""
    run.save_checkpoint(_checkpoint(strategy, history))


def _checkpoint(strategy: Strategy, history: History) -> dict[str, Any]:
    store = strategy.problem.store
    parts = {name: of_json(value) for name, value in store.fingerprint.items()}
    return {"search": strategy.state(), "data": store.key, "made_from": parts, "history": history}


def _differing(parts: object, store: FeatureStore) -> str:
    """Which parts of the features' fingerprint are others than those in a checkpoint."""
    if not isinstance(parts, dict):
        return ""
    names = [name for name, value in store.fingerprint.items() if parts.get(name) != of_json(value)]
    return f" (made from other {', '.join(names)})" if names else ""


def _restored(run: RunFolder, strategy: Strategy) -> History:
    """Put the strategy where the checkpoint says, if there is one. Returns the events of the rounds that are done."""
    state = run.checkpoint()
    if state is None:
        run.resume([])  # the log may be ahead
        return []
    store = strategy.problem.store
    if state.get("data") != store.key:
        raise BmnasError(
            f"{run.path}: holds a search on other features than task {strategy.problem.task.name} has now"
            f"{_differing(state.get('made_from'), store)}; name another folder with --out, or start over with --force"
        )
    try:
        strategy.load_state(state["search"])
        history = [{**event, "seconds": float(event["seconds"])} for event in state["history"]]
        own = [entry["round"] for entry in history if entry["event"] not in _NO_ROUNDS]
        if max(own, default=0) != strategy.rounds:
            raise ValueError("the history is of other rounds")
        if unknown := {entry["seed"] for entry in history} - set(run.seeds):
            raise ValueError(f"the history is of other seeds: {unknown}")
        run.resume(history)
    except BmnasError:
        raise
    except Exception as error:
        # A file from anywhere: what it lacks shows itself as any of a dozen types of exceptions.
        raise run.bad_checkpoint(error) from error
    return history
