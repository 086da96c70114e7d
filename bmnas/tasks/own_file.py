"""A task from a user's own Python file, which defines ``task``: a `Task`, or what makes one."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from bmnas.errors import BmnasError, did_you_mean
from bmnas.files import reason
from bmnas.tasks.task import Task


def load_task(path: Path, data: Path | None = None) -> Task:
    """The task of a Python file. The file is run: it is the user's own code.

    Its ``task`` is a `Task`; or a subclass of it or a function, which is called, with ``data=`` if it takes that. The
    file's source is a part of what the cache knows the task's features by. Modules beside the file can be imported.

    Raises:
        BmnasError: there is no such file, it fails (type, message and line), its ``task`` is missing or something else,
            or ``data`` is given where it is not taken, or the other way round.
    """
    module = _run(path)
    if "task" not in vars(module):
        own = [name for name, value in vars(module).items() if not name.startswith("_") and _is_own(value, module)]
        raise BmnasError(f"{path}: defines no 'task'{did_you_mean('task', own)}")
    task = _made(path, module.task, data)
    if not isinstance(task, Task):
        raise BmnasError(f"{path}: its 'task' should be a Task or a function that returns one, not {_kind(task)}")
    if module not in task.code:
        task.code = (*task.code, module)
    return task


def _run(path: Path) -> ModuleType:
    try:
        source = path.read_bytes()
        full = path.resolve()
    except OSError as error:
        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
    # Of its own, so that a file called torch.py hides no package; and the same in workers, which find classes by it.
    name = f"bmnas_task_{full.stem}_{hashlib.sha256(bytes(full)).hexdigest()[:8]}"
    sha256 = hashlib.sha256(source).hexdigest()
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__sha256__", None) == sha256:
        return loaded
    spec = importlib.util.spec_from_file_location(name, full, loader=_Loader(name, str(full)))
    assert spec is not None and spec.loader is not None, "it is given both"
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__sha256__"] = sha256
    sys.modules[name] = module
    # At the end: modules beside the file are found, but hide no installed package.
    if str(full.parent) not in sys.path:
        sys.path.append(str(full.parent))
    try:
        with _explained(path):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _made(path: Path, task: Any, data: Path | None) -> Any:
    if isinstance(task, Task) or not callable(task):
        if data is not None and isinstance(task, Task):
            raise BmnasError(f"{path}: its 'task' takes no data, so leave --data out; a function task(data) would")
        return task
    parameter = _parameters(task).get("data")
    call: Callable[[], Any]
    if parameter is None:
        if isinstance(task, type) and issubclass(task, Task):
            call = lambda: task.open(data)  # noqa: E731
        elif data is not None:
            raise BmnasError(f"{path}: its 'task' has no parameter 'data', so leave --data out")
        else:
            call = task
    elif data is None and parameter.default is inspect.Parameter.empty:
        raise BmnasError(f"{path}: its 'task' needs a folder of data: --data DIR")
    else:
        call = (lambda: task(data=data)) if data is not None else task
    with _explained(path):
        return call()


class _Loader(SourceFileLoader):
    """Compiles the file as it is now; its byte code is kept nowhere, and none from an earlier second is used."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what a user's code raises inside the block into one sentence with the line of the file."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit
        line = _line(path, error)
        where = f"{path}, line {line}" if line else f"{path}"
        said = error.msg if isinstance(error, SyntaxError) else str(error).strip().split("\n")[0]
        kind = "" if isinstance(error, BmnasError) else type(error).__name__
        raise BmnasError(": ".join(filter(None, (where, kind, said)))) from error


def _line(path: Path, error: BaseException) -> int | None:
    """The last line of the file that was run."""
    full = str(path.resolve())
    if isinstance(error, SyntaxError) and error.filename == full:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == full]
    return lines[-1] if lines else None


def _parameters(task: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(task).parameters)
    except (TypeError, ValueError):
        return {}


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    return f"the class {value.__name__}" if isinstance(value, type) else f"an object of the type {type(value).__name__}"


def _is_own(value: Any, module: ModuleType) -> bool:
    """Whether it was made in the file: no module, and no function or class from elsewhere."""
    return not inspect.ismodule(value) and getattr(value, "__module__", module.__name__) == module.__name__
