"""A limit of the process's memory, as ``ulimit -v`` sets it, under which PyTorch does not load but ends the process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

# More than it takes to load PyTorch with all libraries for a GPU.
_ENOUGH = 16 * 2**30


def probe_torch() -> None:
    """Where there is a low limit, let another process try to import torch first, when that is wanted.

    Where it has no memory, C++ ends the process, after a word to programmers; so somebody else has to go first.
    """
    if _limit() < _ENOUGH:
        sys.meta_path.insert(0, _Probe())


class _Probe:
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /) -> None:
        if fullname != "torch":
            return
        import subprocess  # slow to import, and mostly not needed

        sys.meta_path.remove(self)
        done = subprocess.run(
            [sys.executable, "-c", "import torch"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise MemoryError


def _limit() -> float:
    """Bytes of address space or data that the process may have."""
    try:
        import resource
    except ImportError:  # on Windows
        return float("inf")
    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=float("inf"))
