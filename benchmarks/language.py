"""How long a published genotype takes from text to canonical hash, in one process: median of many runs.

python benchmarks/language.py [--runs 300]
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import pydantic

import bmnas
from bmnas.genotype import dumps, loads, published
from bmnas.genotype.canonical import canonical_hash
from bmnas.genotype.lint import lint


def main() -> None:
    """Print a line for each genotype."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    runs = parser.parse_args().runs
    print(f"bmnas {bmnas.__version__}, Python {platform.python_version()}, pydantic {pydantic.VERSION}; milliseconds")
    print("| genotype | load and validate | canonical hash | both | lint |\n|---|---|---|---|---|")
    for name in published.names():
        text = dumps(published.load(name))
        genotype = loads(text)
        columns = (
            milliseconds(lambda text=text: loads(text), runs),
            milliseconds(lambda genotype=genotype: canonical_hash(genotype), runs),
            milliseconds(lambda text=text: canonical_hash(loads(text)), runs),
            milliseconds(lambda genotype=genotype: lint(genotype), runs // 10),
        )
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in columns) + " |")


def milliseconds(call: Callable[[], object], runs: int) -> float:
    """The median time of one call, after one to warm up."""
    call()
    times = []
    for _ in range(max(runs, 1)):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    main()
