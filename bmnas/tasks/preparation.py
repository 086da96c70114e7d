"""Data that are brought into a form which is read fast: file by file, once, going on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from bmnas.errors import BmnasError
from bmnas.files import reason, write_atomically
from bmnas.fit.threads import cores
from bmnas.tasks.progress import Progress, Report, silent

RECORD = "unreadable.json"


@dataclass(frozen=True)
class Preparation:
    """Files that are made of a task's data, each of one of its files.

    Attributes:
        what: they are, in a word: ``clips``.
        folder: in which they come to lie.
        files: pairs of a file of the data and the file that is made of it.
        make: the content of what is made of a file. It is called in several threads at a time, so it should be a
            library's work outside of Python; where a file cannot be used it raises a `BmnasError`.
    """

    what: str
    folder: Path
    files: Sequence[tuple[Path, Path]]
    make: Callable[[Path], bytes]


@dataclass(frozen=True)
class Prepared:
    """What a preparation has done.

    Attributes:
        made: how many files.
        kept: how many were there before.
        unreadable: of which files none could be made, and why not. They are in ``unreadable.json`` in the folder, too.
    """

    made: int
    kept: int
    unreadable: Mapping[Path, str]


def carry_out(preparation: Preparation, workers: int | None = None, report: Report = silent) -> Prepared:
    """Make the files that are not there, or are older than what they are made of.

    Each is whole or absent, so a preparation that was killed goes on where it was.

    Args:
        preparation: what is made of what.
        workers: files that are made at a time; one for each core if left out.
        report: receives progress.

    Raises:
        BmnasError: a file cannot be written.
    """
    wanted = [(source, target) for source, target in preparation.files if not _is_made(source, target)]
    kept = len(preparation.files) - len(wanted)
    unreadable: dict[Path, str] = {}
    record = _Record(preparation.folder / RECORD)

    def one(source: Path, target: Path) -> str:
        try:
            content = preparation.make(source)
        except BmnasError as error:
            return str(error)
        write_atomically(target, content)
        return ""

    def progress() -> None:
        info = f"{len(unreadable):,} unreadable" if unreadable else ""
        report(Progress(preparation.what, done, len(preparation.files), info, preparation.what))

    done = kept
    progress()
    pool = ThreadPoolExecutor(workers or cores())
    try:
        jobs = {pool.submit(one, source, target): source for source, target in wanted}
        for job in as_completed(jobs):
            if why := job.result():
                unreadable[jobs[job]] = why
                record.write(unreadable)
            done += 1
            progress()
    finally:  # also at Ctrl-C: those that have begun are finished, the others are not begun
        pool.shutdown(cancel_futures=True)
    record.write(unreadable)
    return Prepared(len(wanted) - len(unreadable), kept, dict(sorted(unreadable.items())))


class _Record:
    """The file of what is unreadable; there is none while nothing is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, unreadable: Mapping[Path, str]) -> None:
        if unreadable:
            files = {str(source): why for source, why in sorted(unreadable.items())}
            write_atomically(self._path, json.dumps({"format": "bmnas-unreadable/1", "files": files}, indent=2) + "\n")
            return
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise BmnasError(f"{self._path}: cannot be removed: {reason(error)}") from error


def _is_made(source: Path, target: Path) -> bool:
    try:
        return target.stat().st_mtime_ns >= source.stat().st_mtime_ns
    except OSError:
        return False
