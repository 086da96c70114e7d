"""How much memory features may take: half of what the machine, the container and the process's own limits leave."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bmnas.errors import BmnasError
from bmnas.fit.control_groups import Hierarchy, hierarchies

_SHARE = 0.5


def budget() -> int:
    """Bytes that may be filled with features now; ``$BMNAS_MEMORY``, in GiB, where that is set.

    Raises:
        BmnasError: the variable is not a number.
    """
    said = os.environ.get("BMNAS_MEMORY")
    if said:
        try:
            return max(0, int(float(said) * 2**30))
        except (ValueError, OverflowError):
            raise BmnasError(f"BMNAS_MEMORY is {said!r}; it is a number of GiB, such as 1.5") from None
    return int(_SHARE * max(0, min(_free_memory(), _left_in_container(), _left_in_limits())))


def _free_memory() -> float:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]) * 1024
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2
    return 4 * 2**30


def _left_in_container() -> float:
    """Of this process's control group and those above it, version 2 or the memory group of version 1."""
    return min((_left_in_groups(hierarchy) for hierarchy in hierarchies()), default=float("inf"))


def _left_in_groups(hierarchy: Hierarchy) -> float:
    left = float("inf")
    for group in hierarchy.groups():
        with suppress(OSError, ValueError):  # "max" is no number, and no limit
            most = int((group / hierarchy.limit).read_text())
            used = int((group / hierarchy.usage).read_text()) - _reclaimable(group / "memory.stat")
            left = min(left, most - used)
    return left


def _reclaimable(statistics: Path) -> int:
    """Bytes of files that are kept only because nobody else wants the memory."""
    with suppress(OSError, ValueError):
        lines = dict(line.split() for line in statistics.read_text().splitlines())
        return int(lines.get("total_inactive_file", lines.get("inactive_file", 0)))
    return 0


def _left_in_limits() -> float:
    left = float("inf")
    with suppress(OSError, ValueError, ImportError):
        import resource  # not on Windows

        pages = [int(part) for part in Path("/proc/self/statm").read_text().split()]
        size = resource.getpagesize()
        for kind, used in ((resource.RLIMIT_AS, pages[0]), (resource.RLIMIT_DATA, pages[5])):
            limit = resource.getrlimit(kind)[0]
            if limit != resource.RLIM_INFINITY:
                left = min(left, limit - used * size)
    return left
