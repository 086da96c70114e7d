"""Every preset trained on the last feature of each half of the digits, several seeds: Table 7's rows on another task.

    python benchmarks/presets_digits.py [--seeds 0 1 2]

The same features, sizes and training budget for every row. The test split is read once for each training; nothing is
chosen by it. A random network reads other features, so it is no row here.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics

import torch

import bmnas
from bmnas.genotype import presets


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    seeds = parser.parse_args().seeds
    task = bmnas.get_task("digits")
    features = presets.last_features(task.features)
    print("| preset | test accuracy | parameters |\n|---|---|---|")
    for name, preset in presets.PRESETS.items():
        if name == "random":
            continue
        genotype = preset(features, channels=32, length=8, outputs=task.outputs)
        configs = [bmnas.TrainConfig.for_task(task, seed=seed) for seed in seeds]
        runs = [bmnas.train(genotype, task, config, device="cpu") for config in configs]
        scores = [100 * run.test for run in runs]
        spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
        print(f"| {name} | {statistics.mean(scores):.2f}{spread} | {runs[0].parameters:,} |", flush=True)
    versions = f"bmnas {bmnas.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    print(f"\nSeeds {seeds}; {versions}, {os.cpu_count()} CPU cores")


if __name__ == "__main__":
    main()
