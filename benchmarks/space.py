"""How long even samples of the paper's NTU space take (8 features, 2 cells, 2 steps), as valid genotypes, on one core.

python benchmarks/space.py [--samples 100000] [--seed 0]
"""

from __future__ import annotations

import argparse
import platform
import time

import pydantic

import bmnas
from bmnas.genotype import Feature, Genotype, Representation
from bmnas.genotype.space import Space

CHANNELS = {"Video": (512, 1024, 2048, 2048), "Skeleton": (128, 256, 1024, 512)}


def main() -> None:
    """Print a line for each space."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"bmnas {bmnas.__version__}, Python {platform.python_version()}, pydantic {pydantic.VERSION}")
    features = [
        Feature(name=f"{modality}_{i}", modality=modality, channels=channels)
        for modality, sizes in CHANNELS.items()
        for i, channels in enumerate(sizes, 1)
    ]
    for name, make in (("paper", Space.paper), ("official", Space.official)):
        space = make(features, representation=Representation(channels=128, length=8))
        start = time.perf_counter()
        sample = space.sample(arguments.seed, arguments.samples)
        seconds = time.perf_counter() - start
        # Not timed: that what was put together without validation is what validation gives.
        assert all(genotype == Genotype.model_validate(genotype.model_dump()) for genotype in sample[:1000])
        print(
            f"{name} space of {space.count:,} genotypes: {len(sample):,} samples in {seconds:.2f} s, "
            f"{len(sample) / seconds:,.0f} samples/s"
        )


if __name__ == "__main__":
    main()
