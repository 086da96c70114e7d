"""The folder in which trained backbones and extracted features are kept, and the lock that lets one process build."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import platformdirs
from filelock import FileLock, Timeout

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.tasks.progress import Progress, Report, silent


def cache_folder(cache: Path | None = None) -> Path:
    """``cache`` if it is given, else ``$BMNAS_CACHE``, else the user's cache folder of the operating system.

    Raises:
        BmnasError: the path begins with a user that there is not, or nothing is named and the process has no user with
            a home, as in some containers.
    """
    named = cache if cache is not None else os.environ.get("BMNAS_CACHE")
    try:
        return Path(named or platformdirs.user_cache_dir("bmnas")).expanduser()
    except RuntimeError:
        if named:
            raise BmnasError(f"{named}: cannot be used as a cache: there is no such user") from None
        raise BmnasError(
            "there is no folder for backbones and features, because this user has no home; name one with --cache, or "
            "in the variable BMNAS_CACHE"
        ) from None


def file_name(name: str) -> str:
    """A file or folder name for any printable text; what letters, digits, ``-`` and ``_`` can spell stays readable."""
    quoted = quote(name, safe="").replace(".", "%2E")
    return quoted if len(quoted) <= 80 else f"{quoted[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


@contextmanager
def locked(folder: Path, report: Report = silent) -> Iterator[None]:
    """Create the parent of ``folder`` and hold a lock beside it, so that one process at a time builds what is in it.

    Raises:
        BmnasError: the lock cannot be created there.
    """
    path = folder.with_name(folder.name + ".lock")
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=1)
        except Timeout:
            report(Progress("waiting for another process", 0, 1, str(folder)))
            lock.acquire()
    except OSError as error:
        raise BmnasError(
            f"{folder.parent}: cannot be used as a cache: {reason(error)}; name another folder in BMNAS_CACHE"
        ) from error
    try:
        yield
    finally:
        lock.release()
