"""How long commands take that should be instant, as whole processes, beside what the libraries alone take.

    python benchmarks/startup.py [--runs 10]

CPU time, user and system seconds, is the least of the runs: what else runs makes it longer, and nothing makes it
shorter. Wall time is the median. All take turns, so that what else runs bears on all. Bytecode is there, as after an
installation: the first run writes it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bmnas

GENOTYPE = {
    "representation": {"channels": 128, "length": 8},
    "features": [
        {"name": "Video_3", "modality": "Video", "channels": 2048},
        {"name": "Skeleton_4", "modality": "Skeleton", "channels": 512},
    ],
    "cells": [{"inputs": ["Video_3", "Skeleton_4"], "steps": [{"op": "LinearGLU", "inputs": ["x", "y"]}]}],
    "head": {"outputs": 60},
}


TYPER_AND_PYDANTIC = "import typer, pydantic\nclass Model(pydantic.BaseModel): x: int\n"
# What `bmnas` starts with, and so the least that a command can take which reads a genotype.
LEAST = f"import gc\ngc.disable()\n{TYPER_AND_PYDANTIC}gc.freeze()"

LIBRARIES = {
    "python -c pass": "pass",
    "import bmnas": "import bmnas",
    "import typer": "import typer",
    "import typer, and a model of pydantic": TYPER_AND_PYDANTIC,
    "the same, without searches for garbage (bmnas.cli.garbage)": LEAST,
    "the same, and rich for a table": f"import rich.console, rich.table\n{LEAST}",
    "the same, and pygraphviz for a drawing": f"import pygraphviz\n{LEAST}",
    "import networkx": "import networkx",
}


def main() -> None:
    """Print a line for each command, and for libraries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    print(f"bmnas {bmnas.__version__}, Python {platform.python_version()}: CPU least, wall median of {runs} runs")
    with tempfile.TemporaryDirectory() as folder:
        genotype = Path(folder) / "genotype.json"
        genotype.write_text(json.dumps(GENOTYPE))
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/bytecode", "BMNAS_CACHE": f"{folder}/cache"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        programs = {**commands(genotype), **{shown: ["-c", code] for shown, code in LIBRARIES.items()}}
        measured: dict[str, list[tuple[float, float]]] = {shown: [] for shown in programs}
        for _ in range(runs + 1):
            for shown, arguments in programs.items():
                measured[shown].append(seconds(arguments, environment))
    for shown, times in measured.items():
        cpu, wall = min(each[0] for each in times[1:]), statistics.median(each[1] for each in times[1:])
        print(f"{cpu:.3f} s CPU  {wall:.3f} s wall  {shown}", flush=True)


def commands(genotype: Path) -> dict[str, list[str]]:
    """What is measured of bmnas: the arguments of Python by what is shown of them."""
    lines = (
        ["--help"],
        ["draw", "--help"],
        ["search", "--help"],
        ["validate", str(genotype)],
        ["info", "ntu-1"],
        ["draw", str(genotype), "--force"],
        ["draw", "ntu-1", "-o", str(genotype.with_suffix(".pdf")), "--force"],
        ["draw", "ntu-1", "-o", str(genotype.with_suffix(".svg")), "--force"],
    )
    folder = str(genotype.parent)
    return {
        f"bmnas {' '.join(Path(word).name if word.startswith(folder) else word for word in line)}": [
            "-m",
            "bmnas",
            *line,
        ]
        for line in lines
    }


def seconds(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """CPU time, user and system, and wall time of a process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - start


if __name__ == "__main__":
    main()
