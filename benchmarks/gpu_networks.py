"""Compiled networks in every form, on a GPU or a CPU: milliseconds, beside the bound of their matrix products.

    python benchmarks/gpu_networks.py [--device cuda] [--small]

Inference of one sample and of 96, as compiled, for inference, through torch.compile, and as an exported program; a
training step as compiled and through torch.compile, with a fused Adam. A form that cannot be had here says why.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from measuring import bound_ms, interleaved, products_per_second
from torch import Tensor, nn

import bmnas
from bmnas.compiler.export import TARGETS, Subject, example_features, export

NETWORKS = ("ntu-1", "mmimdb-1")
BATCH = 96

Features = Mapping[str, Tensor]
Run = Callable[[Features], Tensor]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="a rehearsal: one network, few rounds")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    device, rounds = torch.device(arguments.device), 3 if arguments.small else 15
    print(f"\n{'network':10} {'what':24} {'form':32} ms (bound of the matrix products)")
    for name in NETWORKS[:1] if arguments.small else NETWORKS:
        genotype = bmnas.load(name)
        network = bmnas.compile(genotype).to(device).eval()
        subject = Subject(network, example_features(network))
        for batch in (1, BATCH):
            features = subject.features(batch)
            # Before anything is compiled: where that fails, PyTorch may be left unable to count.
            bound = bound_ms(partial(_infer, network, features), products_per_second(device, torch.float32))
            for form, make in FORMS.items():
                measured = _milliseconds(partial(_inference, make, network, features), device, rounds)
                _print(name, f"inference, {batch}", form, measured, bound)
        features = subject.features(BATCH)
        trained = bmnas.compile(genotype).to(device).train()
        bound = bound_ms(_training(trained, features, "eager"), products_per_second(device, torch.float32))
        for form in ("eager", "torch.compile"):
            measured = _milliseconds(partial(_training, trained, features, form), device, rounds)
            _print(name, f"training step, {BATCH}", form, measured, bound)


def _exported(network: nn.Module) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        return TARGETS["pt2"].load(export(network, Path(folder) / "network.pt2", "pt2").file)


def _for_inference(network: nn.Module) -> Any:
    assert isinstance(network, bmnas.FusionNetwork)
    return network.for_inference()


def _through_the_compiler(network: nn.Module) -> Run:
    # On a GPU this mode records CUDA graphs.
    return torch.compile(_for_inference(network), mode="reduce-overhead", dynamic=False)


FORMS: dict[str, Callable[[nn.Module], Run]] = {
    "eager": lambda network: network,
    "for_inference()": _for_inference,
    "for_inference(), torch.compile": _through_the_compiler,
    "exported (pt2)": _exported,
}


def _inference(make: Callable[[nn.Module], Run], network: nn.Module, features: Features) -> Callable[[], object]:
    return partial(_infer, make(network), features)


def _infer(run: Run, features: Features) -> Tensor:
    with torch.no_grad():
        return run(features)


def _training(network: nn.Module, features: Features, form: str) -> Callable[[], None]:
    """A step that can be called again and again."""
    assert isinstance(network, bmnas.FusionNetwork) and network.genotype.head is not None
    some = next(iter(features.values()))
    targets = torch.randint(network.genotype.head.outputs, (len(some),), device=some.device)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    run = network if form == "eager" else torch.compile(network, dynamic=False)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(run(features), targets).backward()
        optimizer.step()

    return step


def _milliseconds(make: Callable[[], Callable[[], object]], device: torch.device, rounds: int) -> float | str:
    """The median, or why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (times,) = interleaved([make()], rounds, device)
    except Exception as error:  # no compiler, no Triton: the other forms are measured all the same
        return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')[:80]}"
    return 1000 * statistics.median(times)


def _print(name: str, what: str, form: str, measured: float | str, bound: float) -> None:
    shown = measured if isinstance(measured, str) else f"{measured:.3g} ({bound:.2g})"
    print(f"{name:10} {what:24} {form:32} {shown}", flush=True)


if __name__ == "__main__":
    main()
