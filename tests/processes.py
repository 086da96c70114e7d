"""Processes to be killed, stopped or run side by side, without the seconds in which each would import torch.

They are forked from a server that has imported it once. Where importing is what is tested, start a new Python instead.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
if os.name == "posix":
    _CONTEXT.set_forkserver_preload(["bmnas.cli.app", "bmnas.searcher", "bmnas.compiler", "sklearn.datasets"])


class Forked:
    """A process that runs a function: what the tests need of `subprocess.Popen` with text pipes, in its words."""

    def __init__(
        self,
        function: Callable[..., object],
        *arguments: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            function: of a module, since the process finds it by its name; its ``SystemExit`` is the exit code.
            arguments: what it is given.
            cwd: the folder in which it runs; this process' own if left out.
            env: its environment; this process' own if left out.
        """
        (out, its_out), (err, its_err) = _CONTEXT.Pipe(duplex=False), _CONTEXT.Pipe(duplex=False)
        place = str(cwd or Path.cwd()), dict(os.environ if env is None else env)
        given = (function, arguments, (its_out, its_err), *place)
        self._process = _CONTEXT.Process(target=_run, args=given, daemon=True)  # no test that fails leaves it behind
        self._process.start()
        its_out.close()
        its_err.close()
        self.stdout, self.stderr = (os.fdopen(os.dup(end.fileno()), encoding="utf-8") for end in (out, err))

    @property
    def returncode(self) -> int | None:
        """The exit code; the negative number of the signal that ended it; ``None`` while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.returncode is None:
            os.kill(self._process.pid, number)

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """Wait for its end; all that it printed to standard output and standard error."""
        with ThreadPoolExecutor(2) as readers:
            printed = [readers.submit(stream.read) for stream in (self.stdout, self.stderr)]
            self._process.join(timeout)
            if self.returncode is None:
                self._process.kill()
                raise TimeoutError(f"still runs after {timeout} s: {[part.result() for part in printed]}")
        return printed[0].result(), printed[1].result()

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.join(300)
        self.stdout.close()
        self.stderr.close()


def execute(code: str, *arguments: str) -> None:
    """What ``python -c code arguments`` does."""
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh Python has loaded after running ``code``."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[-2].split())


def _run(
    function: Callable[..., object], arguments: tuple[Any, ...], pipes: tuple[Connection, ...], cwd: str, env: Any
) -> None:
    # A test run in the background ignores the signal, and would hand that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, (pipe, name) in enumerate(zip(pipes, ("stdout", "stderr"), strict=True), 1):
        os.dup2(pipe.fileno(), number)
        pipe.close()
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
    function(*arguments)
