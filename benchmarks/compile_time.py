"""How long a genotype takes to a network with fresh weights, in one process: the published ones, and random ones.

python benchmarks/compile_time.py [--samples 200]
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time

import torch

import bmnas
from bmnas.genotype import Genotype, Representation, published
from bmnas.genotype.space import Space


def main() -> None:
    """Print the median and the slowest of each group, in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200)
    samples = parser.parse_args().samples
    features = bmnas.load("ntu-1").features
    space = Space.paper(features, representation=Representation(channels=128, length=8))
    named = [published.load(name) for name in published.names()]
    show("the nine published genotypes", [genotype for genotype in named for _ in range(10)])
    show(f"{samples} of the paper's NTU space", space.sample(0, samples))
    print(f"bmnas {bmnas.__version__}, torch {torch.__version__}, Python {platform.python_version()}")


def show(title: str, genotypes: list[Genotype]) -> None:
    """Compile each, after one to warm up."""
    bmnas.compile(genotypes[0])
    times = [milliseconds(genotype) for genotype in genotypes]
    print(f"{title}: median {statistics.median(times):.1f} ms, slowest {max(times):.1f} ms")


def milliseconds(genotype: Genotype) -> float:
    """The time of one compilation."""
    start = time.perf_counter()
    bmnas.compile(genotype)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
