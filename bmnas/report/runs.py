"""The run folders below a folder, each in a line: fast on hundreds, so it reads little of each and imports little.

What is damaged is a line that says so. Checksums are left to whoever reads the numbers: here, files are only looked at.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.report.differing import differing_settings
from bmnas.report.state import state
from bmnas.searcher.run.layout import FORMAT, FOUND, OLDER, status_file

_TAIL = 2**16  # bytes of events.jsonl: the last rounds of all seeds
_LIMIT = 2**22  # bytes of another file
_DEPTH = 6  # folders inside folders


@dataclass(frozen=True)
class RunLine:
    """What can be said of a run at a glance.

    Attributes:
        folder: where it lies.
        task: its name; empty where the run is damaged.
        strategy: how was searched.
        seeds: how many.
        settings: all, by flat names, as text.
        differing: those that differ among the runs of the list.
        state: done, at work, interrupted, failed or damaged.
        where: how far it came, where it is not done.
        why: what stopped it, or what is damaged.
        metric: the task's.
        validation: the best score on the validation split, mean over the seeds; ``None`` where there is none.
        test: the score of its result on the test split, likewise.
        result: the row that is its result.
        changed: when something in it last changed, in seconds since 1970.
    """

    folder: Path
    task: str = ""
    strategy: str = ""
    seeds: int = 1
    settings: dict[str, str] = field(default_factory=dict)
    differing: dict[str, str] = field(default_factory=dict)
    state: str = "damaged"
    where: str = ""
    why: str = ""
    metric: str = ""
    validation: float | None = None
    test: float | None = None
    result: str = ""
    changed: float = 0.0

    @property
    def age(self) -> float:
        """Seconds since something in it changed."""
        return max(0.0, time.time() - self.changed)


def list_runs(folder: Path) -> list[RunLine]:
    """The run folders below a folder, or the folder itself where it is one; those that changed last come last.

    Raises:
        BmnasError: there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise BmnasError(f"{folder}: {what}")
    lines = sorted(
        (_line(path, record) for path, record in _folders(folder)), key=lambda line: (line.changed, str(line.folder))
    )
    differing = iter(differing_settings([line.settings for line in lines]))
    return [_with(line, next(differing)) for line in lines]


def _with(line: RunLine, differing: dict[str, str]) -> RunLine:
    return RunLine(**{**vars(line), "differing": differing})


def _folders(folder: Path) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    """Folders that have the configuration of a search, with it; what lies inside one is its own."""
    waiting = [(folder, 0)]
    while waiting:
        path, depth = waiting.pop()
        if (path / "config.json").is_file():
            record = _object(path / "config.json")
            if _is_run(path, record):
                yield path, record
                continue
        if depth == _DEPTH:
            continue
        try:
            with os.scandir(path) as entries:
                inside = [entry for entry in entries if not entry.name.startswith(".")]
                inside = [entry for entry in inside if entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            if path == folder:
                raise BmnasError(f"{folder}: cannot be read: {reason(error)}") from error
            continue
        waiting += [(Path(entry.path), depth + 1) for entry in inside]


def _is_run(path: Path, record: Mapping[str, Any] | None) -> bool:
    """Whether it is of a search: many programs have a ``config.json``. One that is damaged has left other things."""
    if record is None:
        return any((path / name).exists() for name in ("events.jsonl", "genotypes", "checkpoints", "seed0"))
    return record.get("format") in (FORMAT, *OLDER)


def _line(path: Path, record: Mapping[str, Any] | None) -> RunLine:
    changed = max(map(_changed, (path / name for name in ("config.json", "events.jsonl", ".status"))))
    if record is None:
        return RunLine(path, changed=changed, why="its config.json is damaged")
    try:
        return _told(path, record, changed)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return RunLine(path, changed=changed, why=f"it is not what a search writes ({type(error).__name__})")


def _told(path: Path, record: Mapping[str, Any], changed: float) -> RunLine:
    search = record.get("search")
    search = search if isinstance(search, dict) else {}
    count = max(1, min(int(search.get("seeds", 1)), 1000))
    first = int(search.get("seed", 0))
    folders = [path] if count == 1 else [path / f"seed{first + k}" for k in range(count)]
    rounds = _last_rounds(path, count)
    results = [_rows(folder) for folder in folders]
    status = _object(status_file(path)) or {}
    found = state(path, status, rounds, [list(own) for own in results])
    own = search.get("strategy")
    best: dict[int, Mapping[str, Any]] = {}
    for entry in rounds:
        if entry.get("best"):
            best[int(entry["seed"])] = entry
    titles = [str(best.get(first + k, {}).get("chosen") or FOUND) for k in range(count)]
    tests = [rows[title] for rows, title in zip(results, titles, strict=True) if title in rows]
    scores = [_number(best[seed]["score"]) for seed in best] or _provenance_scores(folders)
    return RunLine(
        path,
        task=str(record.get("task")),
        strategy=str(own.get("kind") if isinstance(own, dict) else own),
        seeds=count,
        settings=dict(_flat(search)),
        state=found.name,
        where=found.where,
        why=found.why,
        metric=str(record.get("metric")),
        validation=_mean(scores),
        test=_mean(tests),
        result=max(titles, key=titles.count) if tests else "",
        changed=changed,
    )


def _last_rounds(path: Path, seeds: int) -> list[dict[str, Any]]:
    """Of the last lines of ``events.jsonl``, the last round, and the last one of each seed that was the best.

    A line that is cut or damaged is left out.
    """
    try:
        with (path / "events.jsonl").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    found: list[dict[str, Any]] = []
    best: set[int] = set()
    for line in reversed(lines):
        if len(best) == seeds:
            break
        if b'"round":' not in line:  # of the comparison; not even read
            continue
        try:
            entry = json.loads(line)
            is_new = bool(entry["best"]) and entry["seed"] not in best
        except (ValueError, KeyError, TypeError):
            continue
        if is_new:
            best.add(entry["seed"])
        if is_new or not found:
            found.append(entry)
    return found[::-1]


def _rows(folder: Path) -> dict[str, float]:
    """The rows of a seed that are done, with their test scores."""
    content = _object(folder / "results.json") or {}
    rows = content.get("rows")
    return {str(row["name"]): _number(row["test"]) for row in rows} if isinstance(rows, list) else {}


def _provenance_scores(folders: Sequence[Path]) -> list[float]:
    """What genotypes say, where the last events do not."""
    found = []
    for folder in folders:
        provenance = (_object(folder / "genotype.json") or {}).get("provenance") or {}
        score = (provenance.get("scores") or {}).get("validation")
        if score is not None:
            found.append(_number(score))
    return found


def _object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; ``None`` where there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT)
        content = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _number(value: Any) -> float:
    return float(value)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", ", ".join(map(str, item)) if isinstance(item, list) else _said(item)


def _said(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else "–" if value is None else str(value)
