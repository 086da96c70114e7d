"""Run a sweep: trials in processes of their own, one after the other or several at once, each in its run folder."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from bmnas.errors import BmnasError, did_you_mean
from bmnas.files import parse_json, read_text, write_atomically
from bmnas.fit.threads import cores
from bmnas.report.runs import list_runs
from bmnas.searcher import SearchConfig
from bmnas.searcher.config import all_names
from bmnas.sweeping.statement import Sweep, Value
from bmnas.sweeping.table import TrialRow, best_of, pareto, rows_of
from bmnas.tasks import described_task

_WAIT = 0.1  # seconds between looks at the processes
_LIMIT = 2**22
Say = Callable[[str], None]


def run_sweep(
    sweep: Sweep,
    folder: Path,
    *,
    workers: int = 1,
    max_failures: int = 2,
    evaluate: bool = True,
    say: Say = lambda text: None,
) -> list[TrialRow]:
    """Run the trials that are not done, then train and test the one with the best validation score.

    A trial is an ordinary search in a run folder below the sweep's. One whose process is killed goes on in another one;
    one that ends for a reason of its own is a row with that reason. The same call goes on where an earlier one was
    stopped, and repeats nothing that is done.

    Args:
        sweep: what is run.
        folder: of the sweep.
        workers: trials at the same time; each has its share of the processor's cores.
        max_failures: how often a trial may be killed.
        evaluate: whether the chosen trial's network is trained to the end and tested; no other trial reads the test
            split.
        say: told what happens.

    Raises:
        BmnasError: a setting does not exist or makes no sense, or the folder has another sweep, or one at work.
    """
    trials = [(f"trial-{number:03d}", each) for number, each in enumerate(sweep.combinations(), 1)]
    higher_is_better = _refuse_wrong_settings(sweep, [each for _, each in trials])
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BmnasError(f"{folder}: another sweep is at work in this folder") from None
    try:
        _same(folder / "sweep.json", sweep)
        failed = _Trials(sweep, folder, trials, workers, max_failures, say).run()
        best = best_of(rows_of(folder, trials, failed), higher_is_better)
        if best is not None and evaluate and best.test is None:
            say(f"{best.name} has the best validation score: its network is trained to the end, and tested")
            settings = dict(trials)[best.name]
            with (folder / f"{best.name}.log").open("ab") as log:
                subprocess.run(
                    _command(sweep, folder / best.name, settings, evaluate=True), stdout=log, stderr=log, check=False
                )
        rows = pareto(rows_of(folder, trials, failed), higher_is_better)
        _write(folder, sweep, rows)
        return rows
    finally:
        lock.release()


class _Trials:
    """The trials of a sweep as processes."""

    def __init__(
        self,
        sweep: Sweep,
        folder: Path,
        trials: Sequence[tuple[str, Mapping[str, Value]]],
        workers: int,
        max_failures: int,
        say: Say,
    ) -> None:
        self._sweep, self._folder, self._workers = sweep, folder, max(1, workers)
        self._most, self._say, self._count = max_failures, say, len(trials)
        done = {line.folder.name for line in list_runs(folder) if line.state == "done"}
        self._waiting = [(name, settings) for name, settings in trials if name not in done]
        if done:
            say(f"{len(done)} of {len(trials)} trials are done already")
        self._running: dict[str, tuple[subprocess.Popen[bytes], Mapping[str, Value], float]] = {}
        self._kills: dict[str, int] = {}
        self._failed: dict[str, str] = {}

    def run(self) -> dict[str, str]:
        """Run all of them. Returns why trials failed, by name."""
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < self._workers:
                    self._start(*self._waiting.pop(0))
                time.sleep(_WAIT)
                for name in [name for name, (process, _, _) in self._running.items() if process.poll() is not None]:
                    self._ended(name)
        finally:
            for process, _, _ in self._running.values():  # they keep what they have, and go on the next time
                process.terminate()
            for process, _, _ in self._running.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(30)
        return self._failed

    def _start(self, name: str, settings: Mapping[str, Value]) -> None:
        log = (self._folder / f"{name}.log").open("ab")
        threads = str(max(1, cores() // self._workers))
        environment = {**os.environ, **({"OMP_NUM_THREADS": threads} if self._workers > 1 else {})}
        command = _command(self._sweep, self._folder / name, settings, evaluate=False)
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        log.close()
        self._running[name] = process, settings, time.monotonic()
        self._say(f"{name} of {self._count}: {_told(settings)}")

    def _ended(self, name: str) -> None:
        process, settings, start = self._running.pop(name)
        seconds = time.monotonic() - start
        if process.returncode == 0:
            self._say(f"{name}: done in {seconds:.1f} s")
        elif process.returncode < 0 or process.returncode in (137, 143):
            self._kills[name] = self._kills.get(name, 0) + 1
            if self._kills[name] > self._most:
                self._failed[name] = f"was killed {self._kills[name]} times"
                self._say(f"{name}: {self._failed[name]}")
            else:
                self._say(f"{name}: was killed after {seconds:.1f} s, and goes on")
                self._waiting.insert(0, (name, settings))
        else:
            self._failed[name] = _last_line(self._folder / f"{name}.log")
            self._say(f"{name}: failed: {self._failed[name]}")


def _command(sweep: Sweep, folder: Path, settings: Mapping[str, Value], *, evaluate: bool) -> list[str]:
    command = [sys.executable, "-m", "bmnas", "search", "--task", sweep.task, "--out", str(folder), "--no-outlook"]
    if sweep.data is not None:
        command += ["--data", sweep.data]
    for name, value in {**sweep.settings, **settings}.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            command.append(f"--{option}" if value else f"--no-{option}")
        elif value is not None:
            command += [f"--{option}", str(value)]
    return command if evaluate else [*command, "--no-evaluate"]


def _refuse_wrong_settings(sweep: Sweep, combinations: Sequence[Mapping[str, Value]]) -> bool:
    """Look at the settings of all trials before the first one. Returns whether higher scores are better.

    Raises:
        BmnasError: there is no such task or setting, or the settings of a trial make no sense.
    """
    task = described_task(sweep.task)
    names = all_names(SearchConfig)
    for name in (*sweep.settings, *sweep.vary):
        if name.replace("-", "_") not in names:
            raise BmnasError(f"a search has no setting {name!r}{did_you_mean(name, sorted(names))}")
    for each in combinations:
        values = {name.replace("-", "_"): value for name, value in {**sweep.settings, **each}.items()}
        if isinstance(values.get("operations"), str):
            values.pop("operations")  # a pool by its name, which the command looks at
        try:
            SearchConfig.for_task(task, **values)
        except BmnasError as error:
            raise BmnasError(f"the trial with {_told(each)}: {error}") from None
    return task.metric.higher_is_better


def _same(path: Path, sweep: Sweep) -> None:
    """Note which sweep is in a folder, or refuse another one."""
    text = sweep.model_dump_json(indent=2) + "\n"
    if not path.exists():
        others = [each.name for each in path.parent.iterdir() if each.name != ".lock"]
        if others:
            raise BmnasError(f"{path.parent}: is not empty and not the folder of a sweep: it has {others[0]!r}")
        write_atomically(path, text)
    elif parse_json(read_text(path, _LIMIT)) != json.loads(text):
        raise BmnasError(f"{path.parent}: has another sweep; name another folder with --out")


def _write(folder: Path, sweep: Sweep, rows: Sequence[TrialRow]) -> None:
    """The table, as ``results.json`` and ``results.csv``."""
    plain = [asdict(row) for row in rows]
    write_atomically(
        folder / "results.json", json.dumps({"format": "bmnas-sweep-results/1", "rows": plain}, indent=2) + "\n"
    )
    buffer = io.StringIO()
    names = list(sweep.vary)
    rest = ("state", "validation", "parameters", "seconds", "test", "pareto", "why")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["trial", *names, *rest])
    for row in rows:
        writer.writerow(
            [row.name, *(_cell(row.settings.get(name)) for name in names), *(_cell(getattr(row, key)) for key in rest)]
        )
    write_atomically(folder / "results.csv", buffer.getvalue())


def _cell(value: object) -> object:
    """A value as a spreadsheet may have it: text that looks like a formula is none."""
    return (
        f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else "" if value is None else value
    )


def _told(settings: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("bmnas: ")]
    except OSError:
        return "ended without a word"
    return lines[-1].removeprefix("bmnas: ")[:500] if lines else "ended without a word"
