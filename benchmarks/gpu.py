"""The measurements of `benchmarks/gpu.sh`, one a process, because the peak of memory is that of a process.

    python benchmarks/gpu.py about | store | search CASE | summary   [--folder DIR] [--device cuda] [--small]

``store`` extracts the features of `ntu_sized.py`, ``search`` searches on them (see `CASES`), ``summary`` compares the
searches with what they should take. Compiled networks are measured by `gpu_networks.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TASK = HERE / "ntu_sized.py"
SMALL_SAMPLES = "384,192,64"
EPOCHS = 30
SECONDS, GIGABYTES, FIVE_SEEDS = 30, 8, 1.5
"""What a search of `EPOCHS` epochs should take at most, and five seeds beside one."""


@dataclass(frozen=True)
class Case:
    """A search.

    Attributes:
        options: of ``bmnas search``.
        epochs: how many are run; `EPOCHS`, or fewer, whose time is multiplied out.
    """

    options: tuple[str, ...] = ()
    epochs: int = EPOCHS


CASES = {
    "plain": Case(),
    "graphs": Case(("--cuda-graphs",)),
    "amp": Case(("--amp",), 6),
    "amp-graphs": Case(("--amp", "--cuda-graphs"), 6),
    "five": Case(("--seeds", "5"), 6),
    "five-graphs": Case(("--seeds", "5", "--cuda-graphs"), 6),
}


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["about", "store", "search", "summary"])
    parser.add_argument("case", nargs="?", choices=CASES)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bmnas-gpu")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="a rehearsal: few samples, channels and epochs")
    arguments = parser.parse_args()
    if arguments.small:
        os.environ["NTU_SAMPLES"] = SMALL_SAMPLES
    arguments.folder.mkdir(parents=True, exist_ok=True)
    {"about": about, "store": store, "search": search, "summary": summary}[arguments.what](arguments)


def about(arguments: argparse.Namespace) -> None:
    """What is measured, and on what."""
    import platform

    import torch
    from measuring import processor, products_per_second

    import bmnas

    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True)
    print(f"bmnas {bmnas.__version__}, commit {commit.stdout.strip() or 'not known'}")
    print(f"torch {torch.__version__}, Python {platform.python_version()}; {processor()}, {os.cpu_count()} cores")
    device = torch.device(arguments.device)
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        free = torch.cuda.mem_get_info(device)[0]
        memory = f"{properties.total_memory / 1e9:.0f} GB ({free / 1e9:.0f} free)"
        print(f"{properties.name}, {memory}, CUDA {torch.version.cuda}")
    # A CPU may have no product in bfloat16 that is worth the name.
    for dtype in (torch.float32, torch.bfloat16) if device.type == "cuda" else (torch.float32,):
        rate = products_per_second(device, dtype)
        print(f"one large product in {str(dtype).removeprefix('torch.')}: {2 * rate / 1e12:.3g} TFLOP/s")


def store(arguments: argparse.Namespace) -> None:
    """The features, extracted once."""
    start = time.perf_counter()
    _bmnas(arguments, "extract", "--length", "8")
    print(f"store: {_bytes(arguments.folder / 'cache') / 1e9:.2f} GB written in {time.perf_counter() - start:.1f} s")


def search(arguments: argparse.Namespace) -> None:
    """One search on the store, by the command line; its numbers are kept for the summary."""
    import torch

    case, device = CASES[arguments.case], torch.device(arguments.device)
    epochs = 2 if arguments.small else case.epochs
    out = arguments.folder / arguments.case
    options = [option for option in case.options if device.type == "cuda" or option != "--cuda-graphs"]
    small = ["--channels", "8", "--batch-size", "32", "--select", "alpha"] if arguments.small else []
    start = time.perf_counter()
    _bmnas(arguments, "search", "--preset", "ntu-1", "--epochs", str(epochs), "--no-evaluate", "--force", "--out",
           str(out), *small, *options)  # fmt: skip
    whole = time.perf_counter() - start
    rounds = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    # Seeds of one computation share the wall time of a round, so one of them tells it.
    first = min(each["seed"] for each in rounds if "seed" in each)
    rounds = [each for each in rounds if each.get("seed") == first]
    epoch_seconds = [each["seconds"] for each in rounds if each["event"] == "EpochDone"]
    found = {
        "case": arguments.case,
        "options": " ".join(options) or "(none)",
        "epochs": len(epoch_seconds),
        "epoch": statistics.median(epoch_seconds),
        "search": sum(epoch_seconds) * EPOCHS / len(epoch_seconds),
        "selection": sum(each["seconds"] for each in rounds if each["event"] == "SelectionDone"),
        "whole": whole,
        "gpu": torch.cuda.max_memory_allocated() / 1e9 if device.type == "cuda" else None,
        "memory": _most_memory() / 1e9,
    }
    with (arguments.folder / "searches.jsonl").open("a") as file:
        file.write(json.dumps(found) + "\n")
    print(json.dumps(found))


def summary(arguments: argparse.Namespace) -> None:
    """The searches in a table, and whether they take what they should at most."""
    path = arguments.folder / "searches.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = {row["case"]: row for row in map(json.loads, lines)}
    samples = SMALL_SAMPLES if arguments.small else "23760,2519"
    print(f"\nSearches on features of ntu-1's shapes, {samples} samples, --preset ntu-1, 16-bit store:")
    print(f"{'options':28} {'epochs run':>10} {'epoch, s':>9} {f'{EPOCHS} epochs, s':>13} {'selection, s':>13} "
          f"{'command, s':>11} {'GPU memory, GB':>15} {'memory, GB':>11}")  # fmt: skip
    for row in rows.values():
        gpu = "-" if row["gpu"] is None else f"{row['gpu']:.2f}"
        print(f"{row['options']:28} {row['epochs']:10} {row['epoch']:9.3f} {row['search']:13.1f} "
              f"{row['selection']:13.1f} {row['whole']:11.1f} {gpu:>15} {row['memory']:11.2f}")  # fmt: skip
    for name in ("plain", "graphs"):
        if name in rows:
            row = rows[name]
            print(f"{row['options']}: {EPOCHS} epochs in {row['search']:.1f} s (target {SECONDS}), "
                  f"{row['gpu'] or row['memory']:.2f} GB (target {GIGABYTES})")  # fmt: skip
    for one, five in (("plain", "five"), ("graphs", "five-graphs")):
        if one in rows and five in rows:
            ratio = rows[five]["epoch"] / rows[one]["epoch"]
            print(f"{rows[five]['options']}: an epoch takes {ratio:.2f} times that of one seed (target {FIVE_SEEDS})")
    missing = [name for name in CASES if name not in rows]
    if missing:
        raise SystemExit(f"not measured: {', '.join(missing)}")


def _bmnas(arguments: argparse.Namespace, command: str, *options: str) -> None:
    """Run a command of bmnas on the task in this process."""
    from bmnas.cli import main as run

    sys.argv = ["bmnas", command, "--task", str(TASK), "--precision", "float16", "--device", arguments.device]
    sys.argv += ["--cache", str(arguments.folder / "cache"), *options]
    try:
        run()
    except SystemExit as done:
        if done.code:
            raise


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _most_memory() -> int:
    """Bytes: the most that this process has had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
