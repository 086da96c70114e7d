"""One variable of each of some .mat files, read in a process of its own (`mat_worker`), used again until this one ends.

A damaged file that ends the worker does not end this process; the next file gets a new worker.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from bmnas.errors import BmnasError, printable
from bmnas.tasks.utd_mhad import mat_worker
from bmnas.tasks.utd_mhad.layout import Array


class Unreadable(Exception):
    """The file cannot be read: why, in the words of the operating system, or nothing where its content is damaged."""


def load(paths: Sequence[Path], variable: str) -> Iterator[Array | str | None]:
    """The variable of each file as an array of numbers; what it is instead, in words; ``None`` where there is none.

    The files are read ahead, while what comes of the first ones is in use.

    Raises:
        Unreadable: the next file cannot be read, is damaged, or is no MATLAB file.
        BmnasError: there is no SciPy to read it with.
    """
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    if not worker.lives:
        worker = _Worker()
    yield from worker.load(paths, variable)
    _idle.append(worker)  # not before all answers are taken: what is left of others would be taken for the next


class _Worker:
    """A process that answers one question after the other."""

    def __init__(self) -> None:
        # -I: nothing in the current folder can stand in the place of a library. It also leaves out folders that the
        # environment or the user's home adds, so the worker is told them.
        self._process = subprocess.Popen(
            [sys.executable, "-I", mat_worker.__file__, json.dumps(_folders())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.owner = os.getpid()

    @property
    def lives(self) -> bool:
        """Whether it can be asked, by this process: a fork of it must not read another's answers."""
        return self.owner == os.getpid() and self._process.poll() is None

    def load(self, paths: Sequence[Path], variable: str) -> Iterator[Array | str | None]:
        """See `load`; it is ended unless every answer was taken."""
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None and answered is not None, "both are pipes"
        names = [os.fsencode(path).decode("utf-8", "surrogateescape") for path in paths]
        finished = False
        try:
            asked.write(json.dumps([names, variable]).encode() + b"\n")
            asked.flush()
            for _ in paths:
                yield _answer(answered)
            finished = True
        except (OSError, EOFError, ValueError) as error:  # it died before it answered, or while it did
            raise Unreadable from error
        finally:
            if not finished:
                self.close()

    def close(self) -> None:
        """End it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.kill()
        self._process.wait()


def _folders() -> list[str]:
    """Where this process finds its libraries, without the current folder, by whichever name."""
    # Python looks into no entry of another type either.
    folders = [folder for folder in sys.path if isinstance(folder, str) and Path(folder).is_absolute()]
    return [folder for folder in folders if not _is_current(folder)]


def _is_current(folder: str) -> bool:
    try:
        return Path(folder).samefile(os.curdir)
    except OSError:  # one of them does not exist
        return False


def _answer(pipe: IO[bytes]) -> Array | str | None:
    line = pipe.readline()
    if not line:
        raise EOFError
    answer = json.loads(line)
    if "error" in answer:
        raise Unreadable(answer["error"])
    if "no_scipy" in answer:
        why = printable(answer["no_scipy"])
        raise BmnasError(f"SciPy cannot be imported by the process that reads .mat files: {why}")
    if "dtype" in answer:
        return _array(pipe, np.dtype(answer["dtype"]), answer["shape"])
    kind: str | None = answer["kind"]
    return kind


def _array(pipe: IO[bytes], dtype: np.dtype[Any], shape: list[int]) -> Array:
    array = np.empty(shape, dtype, order="F")
    wanted = array.reshape(-1, order="F").view(np.uint8).data
    content = pipe.read(len(wanted))
    if len(content) < len(wanted):
        raise EOFError
    wanted[:] = content
    return array


_idle: list[_Worker] = []


@atexit.register
def _end() -> None:
    for worker in _idle:
        if worker.lives:
            worker.close()
