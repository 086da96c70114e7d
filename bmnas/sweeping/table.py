"""What the trials of a sweep have given, read from their run folders: there is no other record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bmnas.compiler import summarise
from bmnas.errors import BmnasError
from bmnas.report.runs import list_runs
from bmnas.searcher import open_run
from bmnas.sweeping.statement import Value


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        name: of its run folder.
        settings: what differs.
        state: ``done``, ``interrupted``, ``failed``, ``waiting``, ...
        why: what stopped it.
        validation: its best score on the validation split.
        parameters: of the network that it has found.
        seconds: of the search.
        test: of the chosen trial's result; ``None`` for the others, whose test split is not read.
        pareto: whether no other trial has a better score with as few parameters.
    """

    name: str
    settings: Mapping[str, Value]
    state: str
    why: str = ""
    validation: float | None = None
    parameters: int | None = None
    seconds: float | None = None
    test: float | None = None
    pareto: bool = False


def rows_of(
    folder: Path, trials: Sequence[tuple[str, Mapping[str, Value]]], failed: Mapping[str, str]
) -> list[TrialRow]:
    """The rows of all trials, in their order.

    Args:
        folder: of the sweep.
        trials: names and what differs.
        failed: by name, why a trial ended.
    """
    lines = {line.folder.name: line for line in list_runs(folder)}
    rows = []
    for name, settings in trials:
        line = lines.get(name)
        if line is None or name in failed:
            state = "failed" if name in failed else "waiting"
            rows.append(TrialRow(name, settings, state, failed.get(name, "")))
            continue
        parameters = seconds = None
        try:
            run = open_run(folder / name)
            seconds = round(sum(float(entry["seconds"]) for entry in run.history), 2)
            parameters = summarise(run.genotype()).parameters
        except BmnasError:
            pass  # it has not come so far, or is damaged, which its state says
        rows.append(TrialRow(name, settings, line.state, line.why, line.validation, parameters, seconds, line.test))
    return rows


def pareto(rows: Sequence[TrialRow], higher_is_better: bool = True) -> list[TrialRow]:
    """The rows, with those marked that no other beats in score and parameters together."""
    sign = 1 if higher_is_better else -1
    known = [(sign * row.validation, row.parameters) for row in rows if row.validation is not None and row.parameters]

    def is_beaten(score: float, size: int) -> bool:
        return any(a >= score and b <= size and (a, b) != (score, size) for a, b in known)

    found = []
    for row in rows:
        on = row.validation is not None and row.parameters is not None
        front = on and not is_beaten(sign * float(row.validation or 0), int(row.parameters or 0))
        found.append(TrialRow(**{**vars(row), "pareto": front}))
    return found


def best_of(rows: Sequence[TrialRow], higher_is_better: bool = True) -> TrialRow | None:
    """The finished trial with the best validation score; of equals the one with fewest parameters."""
    sign = 1 if higher_is_better else -1
    done = [row for row in rows if row.state == "done" and row.validation is not None]
    return max(done, key=lambda row: (sign * float(row.validation or 0), -(row.parameters or 0)), default=None)
