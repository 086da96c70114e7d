"""How fast features are read and extracted, beside what bounds them.

    python benchmarks/feature_store.py memory        # random batches in memory, beside a plain copy of the same bytes
    python benchmarks/feature_store.py disk          # a search on features larger than the memory of its process
    python benchmarks/feature_store.py extraction    # extraction, beside the backbone's forward passes alone

The sizes are those of NTU: 7,552 channels of 8 positions a sample. ``disk`` writes 3.1 GB into --folder and limits its
process by a control group (version 1, as root), or where it may not, by its data segment.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torchvision
from measuring import interleaved
from ntu_sized import CLASSES, LENGTH, NtuSized
from torch import nn

from bmnas.compiler import pool
from bmnas.fit.threads import threads_for
from bmnas.genotype import Feature
from bmnas.searcher import SearchConfig
from bmnas.searcher.problem import Problem
from bmnas.searcher.strategies import Bilevel
from bmnas.tasks import SPLITS, Extraction, FeatureStore, Progress, SplitName, Task, prepare
from bmnas.tasks.store import Data, StoreWriter

FEATURES, BATCH = NtuSized.features, 96


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["memory", "disk", "disk-child", "extraction"])
    parser.add_argument("--folder", type=Path, default=None, help="for the store; a temporary one if left out")
    parser.add_argument("--samples", type=int, default=26_000)
    parser.add_argument("--limit", type=float, default=1.5, help="GB of the process that searches")
    parser.add_argument("--steps", type=int, default=60, help="batches that are measured")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {os.cpu_count()} CPU cores, {torch.get_num_threads()} threads")
    if arguments.what == "disk-child":
        search_from_disk(arguments.folder, arguments.steps)
    elif arguments.what == "extraction":
        extraction(Pictures("resnet50", 224, 192), arguments.rounds)
        extraction(Pictures("resnet18", 128, 960), arguments.rounds)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            folder = arguments.folder or Path(temporary)
            if arguments.what == "memory":
                memory(folder, arguments.rounds)
            else:
                disk(folder, arguments.samples, arguments.limit, arguments.steps)


def memory(folder: Path, rounds: int) -> None:
    """Random batches of 96 from memory against copies of tensors of the same shapes."""
    store = written(folder, 4000, "float32")
    data = store.data("train", memory=2**40)
    order = torch.randperm(len(data))[: 20 * BATCH].split(BATCH)
    parts = [tuple(torch.randn(BATCH, f.channels or 0, LENGTH) for f in FEATURES) for _ in range(20)]
    bytes_ = sum(part.nbytes for part in parts[0])

    def read() -> None:
        for batch in data.batches(order):
            del batch

    def copy() -> None:
        for part in parts:
            batch = [tensor.clone() for tensor in part]  # all of it is there at once, as that of the store is
            del batch

    ours, plain = interleaved([read, copy], rounds, torch.device("cpu"))
    ratio = statistics.median(b / a for a, b in zip(ours, plain, strict=True))
    rates = [20 * bytes_ / statistics.median(times) / 1e9 for times in (ours, plain)]
    print(f"random batches of {BATCH} ({bytes_ / 2**20:.1f} MiB): {rates[0]:.2f} GB/s, copy {rates[1]:.2f} GB/s")
    print(f"share of the plain copy's rate: {100 * ratio:.0f} % (median of the ratios of {rounds} neighbours)")


def disk(folder: Path, samples: int, limit: float, steps: int) -> None:
    """A search in a process with less memory than the features have."""
    if not (folder / "manifest.json").exists():
        start = time.perf_counter()
        store = written(folder, samples, "float16")
        print(f"wrote {store.bytes / 1e9:.2f} GB in {time.perf_counter() - start:.0f} s")
    os.sync()
    command = [sys.executable, __file__, "disk-child", "--folder", str(folder), "--steps", str(steps)]
    group = Path("/sys/fs/cgroup/memory/bmnas-benchmark")
    try:
        group.mkdir(exist_ok=True)
        (group / "memory.limit_in_bytes").write_text(str(int(limit * 1e9)))
    except OSError:
        print(f"limit: {limit} GB of data segment")
        bounds = (int(limit * 1e9), int(limit * 1e9))
        subprocess.run(command, check=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, bounds))
        return
    print(f"limit: {limit} GB by a control group, the file cache included")
    enter = f'echo $$ > {group}/cgroup.procs; exec "$@"'
    subprocess.run(["sh", "-c", enter, "sh", *command], check=True)
    print(f"most that the group used: {int((group / 'memory.max_usage_in_bytes').read_text()) / 1e9:.2f} GB")
    group.rmdir()


def search_from_disk(folder: Path, steps: int) -> None:
    """Weight steps of an NTU-sized search; how much of the time the hypernet waits for a batch."""
    start = time.perf_counter()
    store = FeatureStore.open(folder)
    print(f"opened and verified {store.bytes / 1e9:.2f} GB in {time.perf_counter() - start:.1f} s")
    config = SearchConfig(batch_size=BATCH, channels=128, length=LENGTH, cells=2, steps=2, anchor="none")
    with threads_for(BATCH * 128 * LENGTH):
        search = Bilevel(Problem.of(NtuSized(), store, config, torch.device("cpu")))
        print(f"training split: {type(search.train).__name__}, {len(search.train)} samples")
        waiting = Waiting(search.train, steps)
        search.train = waiting  # type: ignore[assignment]
        for _ in search._weight_steps():
            pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    busy = 1 - waiting.waited / waiting.total
    rate = steps * BATCH * store.manifest.width * store.manifest.dtype.itemsize / waiting.total / 1e6
    print(f"{steps} weight steps of {1000 * waiting.total / steps:.0f} ms, {rate:.0f} MB/s; peak memory {peak:.2f} GiB")
    print(f"the hypernet is busy {100 * busy:.1f} % of the time")


class Waiting:
    """Data that notes how long each batch was waited for, and stops after some batches."""

    def __init__(self, data: Data, steps: int) -> None:
        self._data, self._steps = data, steps
        self.waited = self.total = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def __len__(self) -> int:
        return len(self._data)

    def batches(self, rows: list[torch.Tensor]) -> Iterator[Any]:
        """As those of the data."""
        begin = start = time.perf_counter()
        for batch in self._data.batches(rows[: self._steps]):
            self.waited += time.perf_counter() - start
            yield batch
            start = time.perf_counter()
        self.total = time.perf_counter() - begin


class Pictures(Task):
    """Pictures that are made while they are asked for, and a ResNet, as an extraction meets them."""

    name = "pictures"
    outputs = 2
    taps = {f"Image_{i}": f"layer{i}" for i in range(1, 5)}  # noqa: RUF012
    extraction_batch = 32

    def __init__(self, network: str, side: int, samples: int) -> None:
        self.network, self.side, self.samples = network, side, samples
        widths = (64, 128, 256, 512) if network == "resnet18" else (256, 512, 1024, 2048)
        self.features = tuple(
            Feature(name=f"Image_{i}", modality="Image", channels=channels) for i, channels in enumerate(widths, 1)
        )

    def split(self, name: SplitName) -> Any:
        """A data set that gives pictures one by one."""
        return Made(self.side, self.samples if name == "train" else 64)

    def build_backbone(self, modality: str) -> nn.Module:
        """Random weights: as fast as others."""
        module: nn.Module = getattr(torchvision.models, self.network)(weights=None)
        return module

    def data_fingerprint(self, modalities: object = None) -> str:
        """There is one version."""
        return "1"


class Made(torch.utils.data.Dataset[Any]):
    """Pictures (3, side, side) of bytes that become floats, as decoded ones do."""

    def __init__(self, side: int, count: int) -> None:
        self.count = count
        self.bytes = torch.randint(256, (64, 3, side, side), dtype=torch.uint8)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return {"Image": self.bytes[index % 64].float() / 255}, index % 2


def extraction(task: Pictures, rounds: int) -> None:
    """The training split of an extraction into a new cache against the same forward passes on a batch in memory."""
    size = task.extraction_batch
    backbone = task.build_backbone("Image").eval().requires_grad_(False)
    batch = torch.rand(size, 3, task.side, task.side)

    def forward() -> tuple[float, float]:
        start = time.perf_counter()
        with torch.no_grad():
            for _ in range(task.samples // size):
                backbone(batch)
        seconds = time.perf_counter() - start
        return task.samples / seconds, task.samples / seconds

    def extract() -> tuple[float, float]:
        seen: list[tuple[float, int]] = []

        def report(event: Progress) -> None:
            if event.phase == "features train":
                seen.append((time.perf_counter(), event.done))

        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as cache:
            prepare(task, length=LENGTH, pool=pool, cache=Path(cache), extraction=Extraction(workers=1), report=report)
        seconds = time.perf_counter() - start
        (began, first), (ended, last) = seen[1], seen[-1]  # from the first batch on: workers have been started
        return (last - first) / (ended - began), (task.samples + 128) / seconds

    samples: list[list[tuple[float, float]]] = [[], []]
    for _ in range(max(3, rounds // 3)):
        for call, rates in zip((extract, forward), samples, strict=True):
            rates.append(call())
    ours, alone = samples
    ratio = statistics.median(mine[0] / plain[0] for mine, plain in zip(ours, alone, strict=True))
    steady, whole = (statistics.median(rates[i] for rates in ours) for i in range(2))
    plain = statistics.median(rates[0] for rates in alone)
    print(f"{task.network}, pictures of {task.side} x {task.side}: forward alone {plain:.1f} samples/s, extraction")
    print(f"{steady:.1f} once it runs, {whole:.1f} with start, weights and manifest ({task.samples + 128} samples)")
    print(f"share of the forward rate: {100 * ratio:.0f} % (median of the ratios of {len(ours)} neighbours)")


def written(folder: Path, samples: int, precision: Any) -> FeatureStore:
    """A store of random features of NTU's shapes; a tenth each for validation and test."""
    generator = torch.Generator().manual_seed(0)
    with StoreWriter(folder, {"task": "ntu-sized"}, precision=precision, batch=128) as writer:
        for split, share in zip(SPLITS, (0.8, 0.1, 0.1), strict=True):
            writer.begin(split)
            count = int(samples * share)
            for start in range(0, count, 128):
                size = min(128, count - start)
                features = {f.name: torch.randn(size, f.channels or 0, LENGTH, generator=generator) for f in FEATURES}
                writer.add(features, torch.randint(CLASSES, (size,), generator=generator), start + size)
            writer.end()
        writer.finish({}, {})
    return FeatureStore.open(folder)


if __name__ == "__main__":
    main()
