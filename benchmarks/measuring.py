"""What benchmarks share: their options, times of calls by turns, numbers of operations, the bound of matrix products,
what they ran on."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

import bmnas


def against_official(documentation: str | None) -> argparse.ArgumentParser:
    """The options of a benchmark against a checkout of the released code."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="a checkout of the released code")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the numbers there too")
    return parser


def machine_and_versions(arguments: argparse.Namespace) -> str:
    """What such a benchmark ran on, and with."""
    machine = torch.cuda.get_device_name() if arguments.device == "cuda" else processor()
    versions = f"bmnas {bmnas.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    return f"{versions}; {machine}, {arguments.threads} threads of {os.cpu_count()} cores"


def interleaved(calls: list[Callable[[], object]], rounds: int, device: torch.device) -> list[list[float]]:
    """Seconds of each call in every round; in a round each has its turn. Short calls are repeated within a turn."""
    repeats = []
    for call in calls:
        turn(call, 2, device)
        repeats.append(max(1, int(0.02 / turn(call, 1, device))))
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for i, call in enumerate(calls):
            samples[i].append(turn(call, repeats[i], device))
    return samples


def turn(call: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Seconds of one call, as the mean of some in a row."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / repeats


def multiply_adds(call: Callable[[], object]) -> int:
    """Those of the matrix products, convolutions and attentions of one call, backward passes included."""
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops()) // 2


@cache
def products_per_second(device: torch.device, dtype: torch.dtype) -> float:
    """Multiply-adds a second of one large matrix product, the best of some."""
    size = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    times = [turn(partial(torch.mm, left, right), 1, device) for _ in range(6)]
    return size**3 / min(times[1:])


def products_in_words(device: torch.device) -> str:
    """What the bounds in a table are."""
    rate = 2 * products_per_second(device, torch.float32) / 1e9
    return (
        f"In brackets: what the matrix products alone would take at {rate:,.0f} GFLOP/s, the rate of one large product"
    )


def bound_ms(call: Callable[[], object], rate: float) -> float:
    """Milliseconds that the matrix products of a call take at least, at so many multiply-adds a second."""
    return 1000 * multiply_adds(call) / rate


# Operations of torch that compute nothing: new views, memory, questions.
FREE = {
    *("view", "_unsafe_view", "_reshape_alias", "reshape", "as_strided", "alias", "detach", "lift_fresh", "to", "item"),
    *("transpose", "t", "permute", "numpy_T", "expand", "expand_as", "flatten", "unflatten", "squeeze", "unsqueeze"),
    *("select", "slice", "narrow", "split", "split_with_sizes", "chunk", "unbind", "contiguous", "result_type"),
    *("empty", "empty_like", "empty_strided", "new_empty", "resize_", "resize_as_", "set_", "is_nonzero", "view_as"),
    *("resolve_conj", "resolve_neg", "_local_scalar_dense", "is_floating_point", "dropout", "feature_dropout"),
}


def operations(call: Callable[[], object]) -> int:
    """How many operations that compute one call launches: the innermost ones, views and allocations left out."""
    call()
    with without_stderr(), profile(activities=[ProfilerActivity.CPU]) as profiler:
        call()
    events = [event for event in profiler.events() if event.name.startswith("aten::")]
    return sum(_computes(event) for event in events if not _inside_aten(event))


@contextmanager
def without_stderr() -> Iterator[None]:
    """The profiler writes lines of its own there, past Python."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _inside_aten(event: Any) -> bool:
    parent = event.cpu_parent
    while parent is not None:
        if parent.name.startswith("aten::"):
            return True
        parent = parent.cpu_parent
    return False


def _computes(event: Any) -> int:
    inside = sum(_computes(child) for child in event.cpu_children)
    if inside or not event.name.startswith("aten::"):
        return inside
    return int(event.name.removeprefix("aten::") not in FREE)


def processor() -> str:
    """The name of the CPU, where the system says it."""
    information = Path("/proc/cpuinfo")
    names = (
        [line for line in information.read_text().splitlines() if line.startswith("model name")]
        if information.exists()
        else []
    )
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
