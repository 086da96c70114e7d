"""Calling ``bmnas`` as a user does: in this process, or in one of its own where a process is what is tested.

A new process imports torch anew, which takes seconds. `call` gives the same result without one: it runs
`bmnas.cli.main` with its own arguments, folder, environment, output, warnings and registered operations, and leaves
none of them behind. `start` is for what only a process has, signals and kills; `new_python` is ``python -m bmnas`` as
it stands, imports and all.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from bmnas.cli import main
from bmnas.genotype import extension
from tests.processes import Forked


def bmnas(*arguments: object, cache: Path | None = None, code: int = 0, cwd: Path | None = None) -> tuple[str, str]:
    """Run a command; returns what it printed to standard output and standard error, after a look at its exit code."""
    done = call(*arguments, cwd=cwd, env=with_cache(cache))
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def call(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What ``subprocess.run`` of the command would return, from this process. An error's traceback is in ``stderr``."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    command = ["bmnas", *map(str, arguments)]
    with ExitStack() as stack:
        for around in (redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "argv", command)):
            stack.enter_context(around)
        stack.enter_context(_own_modules())
        stack.enter_context(_shown_warnings())
        if cwd is not None:
            stack.enter_context(chdir(cwd))
        if env is not None:
            stack.enter_context(mock.patch.dict(os.environ, env, clear=True))
        code = _exit_code()
    return subprocess.CompletedProcess(command, code, *(_text(stream) for stream in (out, err)))


def start(*arguments: object, cache: Path | None = None) -> Forked:
    """The command in a process of its own, with pipes."""
    return Forked(_main, ["bmnas", *map(str, arguments)], env=with_cache(cache))


def new_python(*arguments: object, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``python -m bmnas`` with these arguments."""
    command = [sys.executable, "-m", "bmnas", *map(str, arguments)]
    return subprocess.run(command, text=True, env=with_cache(cache), capture_output=True, timeout=300)


def with_cache(cache: Path | None) -> dict[str, str]:
    """This environment, with a cache folder if one is given."""
    return {**os.environ, "BMNAS_CACHE": str(cache)} if cache else dict(os.environ)


def _main(command: list[str]) -> None:
    sys.argv = command
    main()


def _exit_code() -> int:
    """Run the command; its exit code, with what Python prints for it if it fails."""
    try:
        main()
    except SystemExit as done:
        if done.code is None or isinstance(done.code, int):
            return done.code or 0
        print(done.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        raise
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


@contextmanager
def _own_modules() -> Iterator[None]:
    """What the command imports of a user's code, and the operations that this registers, are gone after it."""
    modules, path, imported = set(sys.modules), list(sys.path), list(extension.imported)
    extension.imported.clear()
    with mock.patch.dict(extension._registered, clear=True):
        yield
    for name in set(sys.modules) - modules:
        if _of_a_user(name):
            del sys.modules[name]
    sys.path[:], extension.imported[:] = path, imported


def _of_a_user(name: str) -> bool:
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and not any(Path(file).is_relative_to(place) for place in _INSTALLED)


_INSTALLED = [Path(__file__).parents[2], *(Path(place).resolve() for place in sys.path if place)]


@contextmanager
def _shown_warnings() -> Iterator[None]:
    """Warnings are shown as a new process shows them, so that "nothing on standard error" means no warning either."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
        warnings.showwarning = _show_warning
        yield


def _show_warning(message: object, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    sys.stderr.write(warnings.formatwarning(str(message), category, filename, lineno))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8").replace(os.linesep, "\n")
