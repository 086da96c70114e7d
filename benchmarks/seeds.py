"""`bmnas search` once for each seed, as a table. Every search is a process of its own.

    python benchmarks/seeds.py [--seeds 0 1 2] [--out FOLDER] [-- OPTIONS OF bmnas search]
    python benchmarks/seeds.py -- --task utd-mhad --data UTD-MHAD

Without --out it works in a new folder with an empty cache, so that the first search trains the backbones, as on a new
machine. The test split is read once for each row of each search, when everything is decided.
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

import torch

import bmnas


def main() -> None:
    """Run the searches and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("options", nargs="*", help="of bmnas search, after --")
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="bmnas-seeds-"))
    runs = [measured(seed, out, arguments.device, arguments.options) for seed in arguments.seeds]
    print(markdown(arguments.seeds, runs))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # kB on Linux
    print(f"\nLargest memory of a search: {memory:.2f} GiB. Runs: {out}")
    print(
        f"bmnas {bmnas.__version__}, torch {torch.__version__}, Python {platform.python_version()}, "
        f"{os.cpu_count()} CPU cores, device {arguments.device}"
    )


def measured(seed: int, out: Path, device: str, options: list[str]) -> dict[str, float]:
    """Column -> value for one seed; times in seconds, accuracies in percent."""
    folder = out / f"seed{seed}"
    command = [sys.executable, "-m", "bmnas", "search", *options]
    command += ["--seed", str(seed), "--out", str(folder), "--device", device]
    start = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, "BMNAS_CACHE": str(out / "cache")})
    seconds = time.perf_counter() - start
    results = json.loads((folder / "results.json").read_text())
    factor = 100 if results["metric"] == "accuracy" else 1
    return {row["name"]: factor * row["test"] for row in results["rows"]} | {"seconds, all": seconds}


def markdown(seeds: list[int], runs: list[dict[str, float]]) -> str:
    """One line a seed, and mean ± standard deviation (of the sample) at the end."""
    columns = list(runs[0])
    lines = ["| seed | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for seed, run in zip(seeds, runs, strict=True):
        lines.append(f"| {seed} | " + " | ".join(f"{run[column]:.2f}" for column in columns) + " |")
    if len(runs) > 1:
        values = [[run[column] for run in runs] for column in columns]
        cells = [f"{statistics.mean(column):.2f} ± {statistics.stdev(column):.2f}" for column in values]
        lines.append("| mean ± std | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
