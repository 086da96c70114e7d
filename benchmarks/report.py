"""How long `bmnas report` and `bmnas runs` take, and how large a report is: of runs that are made up.

python benchmarks/report.py [--runs 500]
"""

from __future__ import annotations

import argparse
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from made_run import Made, make_run

import bmnas


def main() -> None:
    """Print it."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--runs", type=int, default=500, metavar="RUNS", help="Run folders that are listed.")
    options.add_argument("--rounds", type=int, default=3, metavar="ROUNDS", help="A time is their median.")
    given = options.parse_args()
    print(f"bmnas {bmnas.__version__}, Python {platform.python_version()}, {platform.machine()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = make_run(folder / "run")
        out = folder / "report.html"
        wall, cpu = _timed(["report", str(run), "--out", str(out), "--force"], given.rounds)
        print(
            f"bmnas report, 5 seeds of 30 epochs: {wall:.2f} s ({cpu:.2f} s of CPU), {out.stat().st_size / 1e6:.2f} MB"
        )
        small = make_run(folder / "all" / "run-0", Made(seeds=1))
        for number in range(1, given.runs):
            shutil.copytree(small, folder / "all" / f"run-{number}")
        wall, cpu = _timed(["runs", str(folder / "all")], given.rounds)
        print(f"bmnas runs, {given.runs} run folders: {wall:.2f} s ({cpu:.2f} s of CPU)")


def _timed(arguments: list[str], rounds: int) -> tuple[float, float]:
    """Wall and CPU time of a command in seconds, each the median."""
    walls, cpus = [], []
    for _ in range(rounds):
        before, start = _children(), time.perf_counter()
        subprocess.run([sys.executable, "-m", "bmnas", *arguments], check=True, capture_output=True)
        walls.append(time.perf_counter() - start)
        cpus.append(_children() - before)
    return statistics.median(walls), statistics.median(cpus)


def _children() -> float:
    """CPU time of the processes that have ended, in seconds."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
