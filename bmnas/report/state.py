"""How a search stands: done, at work, interrupted (where), failed (why); by its own note, or by what it left."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bmnas.searcher.run.layout import FOUND

if TYPE_CHECKING:
    from bmnas.report.reading import Reading

StateName = Literal["done", "at work", "interrupted", "failed"]


@dataclass(frozen=True)
class State:
    """How it stands.

    Attributes:
        name: in a word.
        where: how far it came, where it is not done.
        why: what stopped it, where that is known.
    """

    name: StateName
    where: str = ""
    why: str = ""


def state_of(reading: Reading) -> State:
    """The state of a run that was read."""
    rows = [[row.name for row in seed.rows] for seed in reading.seeds]
    rounds = [each.entry for seed in reading.seeds for each in seed.rounds]
    return state(reading.path, reading.status, rounds, rows)


def state(
    folder: Path,
    status: Mapping[str, Any],
    rounds: Sequence[Mapping[str, Any]],
    rows: Sequence[Sequence[str]],
) -> State:
    """The state of a run.

    Args:
        folder: of the run.
        status: what the search has noted of itself; empty where it is of an earlier version.
        rounds: the events of its rounds, in their order.
        rows: of each seed, the rows of its comparison that are done.
    """
    noted = status.get("state")
    where = _where(rounds, rows)
    if noted == "done":
        return State("done")
    if noted == "failed":
        return State("failed", where, str(status.get("why", "")))
    if noted == "interrupted":
        # What is kept, and how it goes on, the search has said to whoever stopped it.
        return State("interrupted", where, str(status.get("why", "")).partition(";")[0])
    if noted == "running" and _is_alive(status):
        return State("at work", where)
    if noted is None and rows and all(FOUND in own for own in rows):
        return State("done")  # of a version that noted nothing; the found network is the last row
    return State("interrupted", where, "its process ended without a word" if noted == "running" else "")


def _where(rounds: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[str]]) -> str:
    """How far a search came, as the end of a sentence."""
    done = sum(map(len, rows))
    if done:
        return f"in the comparison, after {done} row{'s' * (done != 1)}"
    if not rounds:
        return "before the first round was done"
    last = rounds[-1]
    match last.get("event"):
        case "ChoiceDone":
            return "after the final choice"
        case "SelectionDone" | "RunnerUp":
            return "in the final choice, after the selection"
        case "CandidateDone":
            unit = "candidate"
        case _:
            unit = "epoch"
    of = f" of {last['rounds']}" if last.get("rounds") else ""
    return f"after {unit} {last.get('round')}{of}"


def _is_alive(status: Mapping[str, Any]) -> bool:
    """Whether the process that wrote a status still is; one of another machine is taken to be."""
    number = status.get("pid")
    # Elsewhere than on POSIX, the question would end the process that is asked after.
    if status.get("host") != socket.gethostname() or os.name != "posix" or not isinstance(number, int) or number < 1:
        return True
    try:
        os.kill(number, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
