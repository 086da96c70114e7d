"""How a search stands, for whoever looks at its folder: at work, done, interrupted, failed; and where it ran."""

from __future__ import annotations

import os
import platform
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from bmnas.errors import BmnasError
from bmnas.files import sealed_json, write_atomically
from bmnas.searcher.run.layout import status_file


@contextmanager
def noted_status(folder: Path, command: str, device: torch.device) -> Iterator[None]:
    """Keep in the folder that a search is at work, and how it ended; a kill leaves that it was at work.

    Args:
        folder: of the run.
        command: that starts the same search.
        device: where it computes.
    """
    known = {
        "format": "bmnas-status/1",
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "began": round(time.time(), 3),
        "command": command,
        "environment": environment(device),
    }

    def note(state: str, why: str = "") -> None:
        ended = {} if state == "running" else {"ended": round(time.time(), 3), "peak_memory": peak_memory(device)}
        with suppress(BmnasError):  # a search does not fail for want of a note
            write_atomically(status_file(folder), sealed_json({**known, "state": state, "why": why, **ended}))

    note("running")
    try:
        yield
    except KeyboardInterrupt as error:
        note("interrupted", str(error))
        raise
    except BaseException as error:
        note("failed", str(error) if isinstance(error, BmnasError) else f"{type(error).__name__}: {error}"[:500])
        raise
    note("done")


def environment(device: torch.device) -> dict[str, str]:
    """What the numbers and the seconds of a search depend on, in words."""
    found = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "device": str(device),
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
    return found


def peak_memory(device: torch.device) -> dict[str, int]:
    """The most that the process has had so far, in bytes: of the machine, and of the GPU where it computes on one."""
    found = {}
    with suppress(ImportError):  # Windows has no such module
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found["process"] = most if sys.platform == "darwin" else most * 1024
    if device.type == "cuda":
        found["gpu"] = torch.cuda.max_memory_allocated(device)
    return found
