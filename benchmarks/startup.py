"""How long commands take that should be instant: whole processes, median of several runs after one to warm up.

    python benchmarks/startup.py [--runs 9]

The last row is of CPU time: user and system seconds of a process that imports bmnas, less those of an empty one,
medians of 15 runs by turns.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bmnas

IMPORTS = 15
GENOTYPE = {
    "representation": {"channels": 128, "length": 8},
    "features": [
        {"name": "Video_3", "modality": "Video", "channels": 2048},
        {"name": "Skeleton_4", "modality": "Skeleton", "channels": 512},
    ],
    "cells": [{"inputs": ["Video_3", "Skeleton_4"], "steps": [{"op": "LinearGLU", "inputs": ["x", "y"]}]}],
    "head": {"outputs": 60},
}


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    print(f"bmnas {bmnas.__version__}, Python {platform.python_version()}, median of {runs} runs")
    with tempfile.TemporaryDirectory() as folder:
        genotype = Path(folder) / "genotype.json"
        genotype.write_text(json.dumps(GENOTYPE))
        for command in (
            ["--help"],
            ["draw", "--help"],
            ["validate", str(genotype)],
            ["info", "ntu-1"],
            ["draw", str(genotype), "--force"],
            ["draw", "ntu-1", "-o", str(genotype.with_suffix(".pdf")), "--force"],
            ["draw", "ntu-1", "-o", str(genotype.with_suffix(".svg")), "--force"],
        ):
            seconds = [wall(command) for _ in range(runs + 1)][1:]
            shown = " ".join(Path(part).name if part.startswith(folder) else part for part in command)
            print(f"{statistics.median(seconds):.3f} s  bmnas {shown}")
        python = [wall(["-c", "pass"], module=False) for _ in range(runs + 1)][1:]
        print(f"{statistics.median(python):.3f} s  python -c pass")
    cpu_seconds("import bmnas")
    both = [(cpu_seconds("import bmnas"), cpu_seconds("pass")) for _ in range(IMPORTS)]
    ours, empty = (statistics.median(each) for each in zip(*both, strict=True))
    print(f"{ours - empty:.3f} s  import bmnas (beyond an empty Python), CPU time, median of {IMPORTS} runs")


def wall(arguments: list[str], *, module: bool = True) -> float:
    """Seconds that one process takes."""
    start = time.perf_counter()
    command = [sys.executable, *(["-m", "bmnas"] if module else []), *arguments]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def cpu_seconds(code: str) -> float:
    """User and system seconds of a fresh Python that runs the code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
