"""The steps of a hypernet on the settings of two searches: weight step, architecture step, evaluation, memory.

    python benchmarks/hypernet_steps.py [--against CHECKOUT] [--seeds 1 3 5] [--rounds 20] [--only ntu-1 digits]

A time is the least CPU time over the rounds, on one thread. With --against, the same steps of the package in another
checkout run by turns with these, each side in a process of its own; a ratio is the median of those of neighbours, here
over there: 0.9 is a tenth less time here. Beside each time stands its bound: what the step's matrix products take at
the rate of one large product. What is left between the two is element-wise work, memory and Python.

An architecture step is one of our own protocol; ``validation phase`` is that of ``--strategy released``: an
architecture step and a second pass over the same batch, in train mode, for the score. Memory is the greatest that a
process has held over some of each step, less what it held before the first.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

STEPS = ("weight step", "architecture step", "validation phase", "evaluation")
# (channels, positions of the pooled feature) of a search, as its feature store keeps them.
FEATURES = {
    "ntu-1": [(512, 8), (1024, 8), (2048, 8), (2048, 1), (128, 8), (256, 8), (1024, 1), (512, 1)],
    "digits": [(16, 8), (32, 8), (64, 1)] * 2,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "ntu-1": {"channels": 128, "length": 8, "outputs": 60, "batch": 96},
    "digits": {"channels": 32, "length": 8, "outputs": 10, "batch": 32},
}
POOL = ("Sum", "Attention", "LinearGLU", "ConcatFC")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout of this repository")
    parser.add_argument("--only", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 3, 5])
    parser.add_argument("--relaxation", choices=["shared", "split"], default="split")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve[0], int(arguments.serve[1]), arguments.relaxation)
        return
    sides = [Path(__file__).parents[1], *([arguments.against.resolve()] if arguments.against else [])]
    heads = ["setting, seeds", *(f"{step}, ms (bound)" for step in STEPS), "memory, MiB"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    slower: list[str] = []
    for name, seeds in product(arguments.only, arguments.seeds):
        print(row(name, seeds, sides, arguments, slower), flush=True)
    if arguments.against:
        print(f"\nSlower by more than a twentieth: {'; '.join(slower) or 'nothing'}.")
    about = Worker(sides[0], arguments.only[0], 1, arguments.relaxation).ask("about")
    print(f"\n{about}, one thread, {arguments.relaxation} relaxation, {arguments.rounds} rounds")


def row(name: str, seeds: int, sides: list[Path], arguments: argparse.Namespace, slower: list[str]) -> str:
    """One line of the table; what is slower here than there is added to ``slower``, with the middle half of ratios."""
    memory = [Worker(side, name, seeds, arguments.relaxation).ask("memory") for side in sides]
    workers = [Worker(side, name, seeds, arguments.relaxation) for side in sides]
    cells = []
    for step in STEPS:
        samples: list[list[float]] = [[] for _ in workers]
        for number in range(arguments.rounds):
            for i in range(len(workers)):
                which = (i + number) % len(workers)
                samples[which].append(workers[which].ask(step))
        text = f"{1000 * min(samples[0]):.3g} ({1000 * workers[0].ask(f'bound of {step}'):.2g})"
        if len(samples) > 1:
            ratios = [here / there for here, there in zip(*samples, strict=True)]
            low, ratio, high = statistics.quantiles(ratios, n=4)
            text += f", {1000 * min(samples[1]):.3g} there: **{ratio:.2f}**"
            if ratio > 1.05:
                slower.append(f"{name}, {seeds}, {step} {ratio:.2f} (half of the ratios from {low:.2f} to {high:.2f})")
        cells.append(text)
    cells.append(f"{memory[0]:.0f}" + (f", {memory[1]:.0f} there" if len(memory) > 1 else ""))
    return f"| {name}, {seeds} | {' | '.join(cells)} |"


class Worker:
    """A process that has one hypernet and does what it is asked. It ends with this object.

    Args:
        checkout: whose package it uses.
        name: the setting.
        seeds: K.
        relaxation: of the hypernet.
    """

    def __init__(self, checkout: Path, name: str, seeds: int, relaxation: str) -> None:
        command = [sys.executable, __file__, "--serve", name, str(seeds), "--relaxation", relaxation]
        one = {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | one
        )

    def ask(self, what: str) -> Any:
        """The answer to a step, ``bound of`` a step, ``memory`` or ``about``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __del__(self) -> None:
        self.process.communicate()


def serve(name: str, seeds: int, relaxation: str) -> None:
    """Answer the questions of a `Worker`."""
    before = peak()
    steps = Steps(name, seeds, relaxation)
    calls: dict[str, Callable[[], None]] = dict(
        zip(STEPS, (steps.weights, steps.architecture, steps.validation, steps.evaluation), strict=True)
    )
    repeats: dict[str, int] = {}
    for line in sys.stdin:
        what = line.strip()
        answer: object
        if what == "about":
            answer = about()
        elif what == "memory":
            before = peak()
            for call in list(calls.values()) * 4:
                call()
            answer = peak() - before
        elif what.startswith("bound of "):
            answer = bound(calls[what.removeprefix("bound of ")])
        else:
            if what not in repeats:
                timed(calls[what], 3)
                repeats[what] = max(1, round(0.05 / timed(calls[what], 2)))
            answer = timed(calls[what], repeats[what])
        print(json.dumps(answer), flush=True)


class Steps:
    """A hypernet with its optimisers and a batch."""

    def __init__(self, name: str, seeds: int, relaxation: str) -> None:
        import torch

        from bmnas.genotype import Feature
        from bmnas.searcher.hypernet import Hypernet, HypernetSize

        as_in_a_search()
        torch.manual_seed(0)
        given = SETTINGS[name]
        features = tuple(
            Feature(name=f"Feature_{i}", modality="Any", channels=channels, reshape="sequence")
            for i, (channels, _) in enumerate(FEATURES[name])
        )
        sizes = {key: given[key] for key in ("channels", "length", "outputs")}
        size = HypernetSize(
            features, POOL, cells=2, steps=2, cell_outputs=2, dropout=0.2, relaxation=relaxation, **sizes
        )
        self.net = Hypernet(size, seeds)
        self.features = {
            feature.name: torch.randn(seeds, given["batch"], *shape)
            for feature, shape in zip(features, FEATURES[name], strict=True)
        }
        self.labels = torch.randint(given["outputs"], (seeds, given["batch"]))
        self.generators = [torch.Generator().manual_seed(k) for k in range(seeds)]
        self.of_weights = torch.optim.Adam(self.net.weights(), lr=1e-3, weight_decay=1e-4, fused=True)
        self.of_architecture = torch.optim.Adam(self.net.architecture(), lr=3e-4, betas=(0.5, 0.999), fused=True)

    def weights(self) -> None:
        """A step on a training batch."""
        self._step("weights", self.net.weights(), self.of_weights, self.features)

    def architecture(self) -> None:
        """A step on a validation batch."""
        with self._frozen():
            self._step("architecture", self.net.architecture(), self.of_architecture, self.features)

    def validation(self) -> None:
        """A step on a validation batch, and a pass over it for the score."""
        import torch

        prepared = self.net.train().prepared(self.features)
        self._step("architecture", self.net.architecture(), self.of_architecture, prepared)
        with torch.no_grad(), self.net.noise(self.generators):
            self.net(prepared)

    def evaluation(self) -> None:
        """A batch in eval mode."""
        import torch

        self.net.eval()
        with torch.no_grad():
            self.net(self.features)

    def _step(self, phase: Any, parameters: list[Any], optimizer: Any, features: Any) -> None:
        import torch.nn.functional as F

        self.net.train()
        for parameter in parameters:
            parameter.grad = None
        with self.net.noise(self.generators), self.net.learning(phase):
            outputs = self.net(features)
        loss = sum(F.cross_entropy(*pair) for pair in zip(outputs, self.labels, strict=True))
        loss.backward(inputs=parameters)  # type: ignore[union-attr, arg-type]
        optimizer.step()

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        norms = [module for module in self.net.modules() if hasattr(module, "running_mean")]
        for norm in norms:
            norm.momentum = 0.0  # type: ignore[assignment]
        yield
        for norm in norms:
            norm.momentum = 0.1  # type: ignore[assignment]


def as_in_a_search() -> None:
    """Set the process up as the package's searches do, on one thread."""
    import torch

    torch.set_num_threads(1)
    try:
        from bmnas.fit.memory import keep_freed_memory
    except ImportError:  # an earlier checkout
        return
    keep_freed_memory()


def timed(call: Callable[[], None], repeats: int) -> float:
    """CPU seconds of one call, as the mean of some in a row."""
    start = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - start) / repeats


def bound(call: Callable[[], None]) -> float:
    """CPU seconds that the matrix products of a call take at the rate of one large product."""
    import torch
    from measuring import bound_ms, products_per_second

    return bound_ms(call, products_per_second(torch.device("cpu"), torch.float32)) / 1000


def peak() -> float:
    """The greatest memory of this process so far, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def about() -> str:
    """The machine and the versions."""
    import argparse

    from measuring import machine_and_versions

    return machine_and_versions(argparse.Namespace(device="cpu", threads=1))


if __name__ == "__main__":
    main()
