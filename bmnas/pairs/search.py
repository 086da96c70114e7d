"""`search_pairs`: from a task of texts and images to a found encoder-decoder network beside hand-made ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.memory import enough_memory
from bmnas.fit.threads import threads_for
from bmnas.genotype.stacks import StackGenotype
from bmnas.genotype.stacks.presets import PRESETS
from bmnas.pairs.candidates import Candidates
from bmnas.pairs.completing import completed_by, inputs_of, pair_task
from bmnas.pairs.gates import Gates
from bmnas.pairs.problem import PairProblem
from bmnas.pairs.settings import PairSearchConfig
from bmnas.pairs.train import PairTrained, save_pairs, train_pairs
from bmnas.searcher.api import pick_device, task_of
from bmnas.searcher.events import ChoiceDone, Row
from bmnas.searcher.meter import Reporting, reporting
from bmnas.searcher.run.folder import RunFolder
from bmnas.searcher.run.interrupt import stoppable
from bmnas.searcher.run.layout import FOUND
from bmnas.searcher.run.rounds import do_rounds, round_done, save_search
from bmnas.tasks import Remark, Task
from bmnas.tasks.pair_task import PairTask

_GOES_ON = "the same command goes on"
_BASELINES = ("transformer", "mcan", "mcan-rsa")


@dataclass(frozen=True)
class PairResult:
    """What a search has found.

    Attributes:
        genotype: what is delivered: of the found network and the hand-made ones that with the best validation score;
            of equals the simpler.
        found: what the search has found.
        folder: the run folder.
        chosen: the row that is delivered.
        rows: by name, how each network does; test was read once for each. Empty where nothing was evaluated.
        history: the events of all rounds.
    """

    genotype: StackGenotype
    found: StackGenotype
    folder: Path
    chosen: str
    rows: Mapping[str, PairTrained]
    history: list[dict[str, Any]]


def search_pairs(
    task: Task | str,
    config: PairSearchConfig | Mapping[str, Any] | None = None,
    *,
    folder: Path | str | None = None,
    device: str | torch.device | None = None,
    evaluate: bool = True,
    force: bool = False,
    command: str = "",
    report: Reporting = "auto",
) -> PairResult:
    """Search an encoder-decoder network, then train and test it beside mcan, mcan-rsa and transformer of its size.

    Args:
        task: one with texts and images, or its name.
        config: the settings, or those that are others.
        folder: the run folder; ``runs/TASK-stacks-seedS`` where it is left out. A search that was interrupted there
            goes on.
        device: the GPU where there is one, if left out.
        evaluate: whether to train and test networks at the end.
        force: start over in a folder that holds another search.
        command: what starts the search, for the record.
        report: as for `bmnas.search`.

    Raises:
        BmnasError: settings, task or folder cannot be used.
        Interrupted: Ctrl-C or SIGTERM; the same call goes on.
    """
    chosen = pair_task(task_of(task))
    settings = config if isinstance(config, PairSearchConfig) else PairSearchConfig.checked(**(config or {}))
    where = pick_device(device)
    seed = settings.seed
    path = Path(folder) if folder is not None else Path("runs") / f"{chosen.name}-stacks-seed{seed}"
    problem = PairProblem(chosen, settings, where)
    _ = problem.space  # what cannot be is told before anything is written
    content = {**chosen.identity, "search": {"kind": "encoder-decoder", **settings.model_dump(mode="json")}}
    again = "the same command without --force goes on" if force else _GOES_ON
    with (
        stoppable(f"before the search; {again}") as stop,
        RunFolder.open(path, content, invocation=chosen.invocation, seeds=[seed], force=force) as run,
        enough_memory(where),
        reporting(report) as told,
        undisturbed(),
        single_precision(),
        threads_for(settings.batch_size * settings.width),
    ):
        for sentence in chosen.remarks():
            told(Remark(sentence.removesuffix(".")))
        strategy: Any = Gates(problem) if settings.strategy in ("gates", "gdas") else Candidates(problem)
        history = do_rounds(run, strategy, command, told, stop, again)
        place = run.seeds[seed]
        searched = [entry for entry in history if entry["event"] != ChoiceDone.__name__]
        best = [entry for entry in searched if entry["best"]][-1]
        found: Any = place.of_round(best["event"], best["round"], best["sha256"])
        rows: dict[str, PairTrained] = {}
        if evaluate:
            stop.says = f"in the trainings at the end; {again}"
            for name, genotype in {**baselines(chosen, problem), FOUND: found}.items():
                base = path / "checkpoints" / f"row-{name.replace(' ', '-')}.ckpt"
                training = settings.training(settings.train_epochs)
                rows[name] = train_pairs(
                    genotype, chosen, training, device=where, checkpoint=base, title=name, report=told
                )
                row = rows[name]
                told(Row(name=name, test=row.test[row.main], parameters=row.parameters, seconds=round(row.seconds, 3)))
            if len(searched) == len(history):
                event = _choice(rows, searched[-1], len(problem.validation))
                round_done(run, strategy, command, history, event)
                save_search(run, strategy, history)
                told(event)
            _keep(place, rows, chosen, settings)
    delivered = _best_of(rows) if rows else FOUND
    result = rows[delivered].genotype if rows else found
    return PairResult(result, found, path, delivered, rows, history)


def baselines(task: PairTask, problem: PairProblem) -> dict[str, StackGenotype]:
    """Hand-made networks with as many layers as the space has room for."""
    config, inputs = problem.config, inputs_of(task, problem.config.tokens)
    layers = max(1, config.decoder_blocks // 3)
    return {name: completed_by(PRESETS[name](inputs, **problem.frame, layers=layers), task) for name in _BASELINES}


def _keep(place: Any, rows: Mapping[str, PairTrained], task: PairTask, settings: PairSearchConfig) -> None:
    """The comparison, and what is delivered as a network that can be used."""
    events = [
        Row(name=name, test=row.test[row.main], parameters=row.parameters, seconds=round(row.seconds, 3))
        for name, row in rows.items()
    ]
    training = settings.training(settings.train_epochs)
    place.row_done(events, next(iter(rows.values())).main, training.model_dump(mode="json"))
    save_pairs(rows[_best_of(rows)], task, training, place.path / "genotype.json")


def _best_of(rows: Mapping[str, PairTrained]) -> str:
    """The row with the best validation score; of equals the first, which is the simplest."""
    return max(rows, key=lambda name: rows[name].validation[rows[name].main])


def _choice(rows: Mapping[str, PairTrained], last: Mapping[str, Any], samples: int) -> ChoiceDone:
    """What is delivered, as a round of the search: of found and hand-made networks the best on validation."""
    wrong = {name: 1 - row.validation[row.main] for name, row in rows.items()}
    rival = min((name for name in wrong if name != FOUND), key=wrong.__getitem__)
    delivered = _best_of(rows)
    # Of a difference of two shares that are as independent as they can be: more than that of the same samples.
    spread = sum(wrong[name] * (1 - wrong[name]) for name in (FOUND, rival)) / max(1, samples)
    return ChoiceDone(
        seed=last["seed"],
        round=1,
        rounds=1,
        score=1 - wrong[delivered],
        trainings=last["trainings"] + len(rows),
        candidates=last["candidates"] + len(rows) - 1,
        seconds=round(sum(row.seconds for row in rows.values()), 3),
        genotype=rows[delivered].genotype,
        best=True,
        chosen=delivered,
        losses=wrong,
        rival=rival,
        difference=wrong[FOUND] - wrong[rival],
        error=spread**0.5,
        folds=1,
    )
