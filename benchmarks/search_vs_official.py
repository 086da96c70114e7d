"""The search's steps against the released code's, for three settings of the paper.

    python benchmarks/search_vs_official.py --official PATH [--rounds 15] [--threads 2] [--device cpu] [--json FILE]

PATH is a checkout of the released code. Both sides have the same weights and get the same pooled features, as a
feature store keeps them; they run by turns in one process. A time is the median over the rounds, a ratio the median of
the ratios of neighbours. First outputs and gradients are compared in float64; nothing is measured where they differ by
more than 1e-9.

Weight step: gradients to none, forward, loss, backward, Adam. Validation phase, for each batch: architecture step
(forward, loss, backward, Adam) and a second forward for the score. The released code computes all gradients in an
architecture step, and scores in train mode; so do we here (``--strategy released``), but compute the gradients of
alpha, beta and gamma alone. The phase with our own protocol, which scores in eval mode, is shown apart.

Beside each time stands the bound of its matrix products: their multiply-adds, which `torch.utils.flop_counter` counts,
over the measured rate of one large product.

An epoch is the steps times the batches that the paper's data sets have. A second table adds the released code's own
backbones, which it runs in its loop: their times are measured on a few samples, and multiplied out.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from measuring import (
    against_official,
    bound_ms,
    interleaved,
    machine_and_versions,
    operations,
    products_in_words,
    products_per_second,
    turn,
)
from released_backbones import backbones, forward, forward_and_backward
from search_sides import BATCH, Side, difference

from bmnas.genotype import published
from bmnas.searcher.presets import PRESETS

SETTINGS = ("mmimdb-1", "ntu-1", "ego-1")
SAMPLES = {"mmimdb-1": (15_552, 2_608), "ntu-1": (23_760, 2_519), "ego-1": (14_416, 4_768)}
"""Training and validation samples of the paper's data sets."""
EPOCHS = 30
"""The default of the released search scripts."""

Row = dict[str, Any]


def main() -> None:
    """Print the tables."""
    parser = against_official(__doc__)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=SETTINGS)
    parser.add_argument("--bf16", action="store_true", help="both sides' forwards under autocast to bfloat16")
    parser.add_argument("--backbone-samples", type=int, default=2, help="0 leaves the second table out")
    parser.add_argument("--memory-of", choices=["released", "shared", "split"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    if arguments.memory_of:
        print(json.dumps(memory_here(arguments.only[0], arguments)))
        return
    rows = [measured(name, arguments) for name in arguments.only]
    print(f"\nCached pooled features for both sides\n\n{steps_table(rows)}")
    if arguments.backbone_samples:
        print(f"\nThe released code as it runs, its backbones in its loop\n\n{whole_table(rows)}")
    about = machine_and_versions(arguments)
    print(f"\n{about}, {arguments.rounds} rounds. {products_in_words(torch.device(arguments.device))}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": about, "rows": rows}, indent=1))


def measured(name: str, arguments: argparse.Namespace) -> Row:
    """All numbers of one setting."""
    differences = {each: difference(name, arguments.official, each) for each in ("outputs", "gradients")}
    if max(differences.values()) > 1e-9:
        raise SystemExit(f"{name}: {differences}: the sides differ, relatively; nothing is measured")
    device = torch.device(arguments.device)
    sides = {
        side: Side(name, side, arguments.official, device, bf16=arguments.bf16)
        for side in ("released", "shared", "split")
    }
    calls: dict[str, Callable[[], None]] = {}
    for side, it in sides.items():
        calls[f"{side} weights"], calls[f"{side} validation"] = it.weight_step, it.validation_phase
    calls["shared validation, own protocol"] = partial(sides["shared"].validation_phase, own=True)
    samples = dict(zip(calls, interleaved(list(calls.values()), arguments.rounds, device), strict=True))
    row: Row = {
        "name": name,
        "differences": differences,
        "ms": {call: 1000 * statistics.median(times) for call, times in samples.items()},
        "bound ms": {call: bound_ms(made, products_per_second(device, torch.float32)) for call, made in calls.items()},
        "operations": {call: operations(calls[call]) for call in calls if not call.startswith("split")},
        "memory": {side: memory_apart(name, side, arguments) for side in sides},
        "dropout": sides["released"].dropout,
    }
    row["ratios"] = {
        call: statistics.median(
            a / b for a, b in zip(samples[f"released {phase_of(call)}"], samples[call], strict=True)
        )
        for call in calls
        if not call.startswith("released")
    }
    row["split / shared"] = statistics.median(
        a / b for a, b in zip(samples["split weights"], samples["shared weights"], strict=True)
    )
    row["epoch s"] = {
        side: epoch_seconds(name, row["ms"][f"{side} weights"], row["ms"][f"{side} validation"]) for side in sides
    }
    if arguments.backbone_samples:
        row["whole s"] = whole_search(name, row, arguments)
    print(f"{name}: " + ", ".join(f"{call} {ratio:.2f}" for call, ratio in row["ratios"].items()), flush=True)
    return row


def phase_of(call: str) -> str:
    """The released call that one of ours is compared with."""
    return call.split(" ")[1].rstrip(",")


def batches(name: str) -> tuple[int, int]:
    """Of the training and the validation split."""
    training, validation = (math.ceil(samples / BATCH[name]) for samples in SAMPLES[name])
    return training, validation


def epoch_seconds(name: str, weight_ms: float, validation_ms: float) -> float:
    """The steps times the batches."""
    training, validation = batches(name)
    return (training * weight_ms + validation * validation_ms) / 1000


def memory_apart(name: str, side: str, arguments: argparse.Namespace) -> dict[str, float]:
    """`memory_here` in a process of its own."""
    command = [sys.executable, __file__, "--official", str(arguments.official), "--only", name, "--memory-of", side]
    command += ["--threads", str(arguments.threads), "--device", arguments.device, *(["--bf16"] * arguments.bf16)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def memory_here(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """MiB: the greatest so far in this process before the first step, and after some."""
    device = torch.device(arguments.device)
    it = Side(name, arguments.memory_of, arguments.official, device, bf16=arguments.bf16)

    def peak() -> float:
        if device.type == "cuda":
            return torch.cuda.max_memory_allocated() / 2**20
        # Not ru_maxrss, which a process has from the one that started it.
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    before = peak()
    for _ in range(5):
        it.weight_step()
        it.validation_phase()
    return {"before": before, "peak": peak()}


def whole_search(name: str, row: Row, arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds of a search of `EPOCHS` epochs: the released code's with its backbones, and ours with one extraction."""
    device = torch.device(arguments.device)
    networks = backbones(published.load(name), arguments.official)
    for network, _ in networks:
        network.to(device)
    inputs = [torch.randn(arguments.backbone_samples, *shape, device=device) for _, shape in networks]

    def without_gradients() -> None:
        with torch.no_grad():
            forward(networks, inputs)

    calls = [without_gradients, partial(forward_and_backward, networks, inputs)]
    once, both = ([] for _ in calls)
    for call in calls:
        call()
    for _ in range(3):
        once.append(turn(calls[0], 1, device))
        both.append(turn(calls[1], 1, device))
    # Of one sample.
    seen, trained = (statistics.median(times) / arguments.backbone_samples for times in (once, both))
    training, validation = SAMPLES[name]
    released = EPOCHS * (training * trained + validation * (trained + seen) + row["epoch s"]["released"])
    found = {"sample forward": seen, "sample forward and backward": trained, "released": released}
    found["extraction"] = (training + validation) * seen
    for side in ("shared", "split"):
        found[side] = found["extraction"] + EPOCHS * row["epoch s"][side]
    return found


def steps_table(rows: list[Row]) -> str:
    """Released → ours, with the ratio; geometric means in the last line."""
    heads = [
        "setting, batch",
        "weight step, ms (bound of its matrix products)",
        "validation phase, ms (bound)",
        "the same, own protocol",
        "split: weight step",
    ]
    heads += ["split: validation phase", "epoch, s", "operations: weight step", "validation phase"]
    heads += ["peak memory, MiB (of it before the first step)", "gradients differ by"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        ms, ratios, counts, memory = row["ms"], row["ratios"], row["operations"], row["memory"]

        def against(ours: str, row: Row = row) -> str:
            theirs, bound = f"released {phase_of(ours)}", row["bound ms"]
            return (
                f"{row['ms'][theirs]:.3g} ({bound[theirs]:.2g}) → {row['ms'][ours]:.3g} ({bound[ours]:.2g}), "
                f"**{row['ratios'][ours]:.2f}×**"
            )

        dropout = "" if published.load(row["name"]).dropout else f" (dropout {row['dropout']})"
        cells = [
            f"{row['name']}, {BATCH[row['name']]}{dropout}",
            against("shared weights"),
            against("shared validation"),
            f"{ms['shared validation, own protocol']:.3g}, {ratios['shared validation, own protocol']:.2f}×",
            f"{ms['split weights']:.3g}, {row['split / shared']:.2f} of shared",
            f"{ms['split validation']:.3g}, {ratios['split validation']:.2f}×",
            f"{row['epoch s']['released']:.3g} → {row['epoch s']['shared']:.3g}",
            *(f"{counts[f'released {phase}']} → {counts[f'shared {phase}']}" for phase in ("weights", "validation")),
            " → ".join(f"{memory[side]['peak']:.0f} ({memory[side]['before']:.0f})" for side in ("released", "shared"))
            + f", split {memory['split']['peak']:.0f}",
            f"{row['differences']['gradients']:.0e}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    calls = ("shared weights", "shared validation", "shared validation, own protocol")
    means = [statistics.geometric_mean(row["ratios"][call] for row in rows) for call in calls]
    lines.append(f"| geometric mean | {' | '.join(f'**{mean:.2f}×**' for mean in means)} |" + " |" * (len(heads) - 4))
    return "\n".join(lines)


def whole_table(rows: list[Row]) -> str:
    """A whole search, multiplied out."""
    heads = ["setting", "batches: training, validation", "backbones, s a sample: forward, with backward"]
    heads += [
        f"released, {EPOCHS} epochs, h",
        "ours: extraction, h",
        f"ours: {EPOCHS} epochs, h",
        "ratio",
        "with split",
        "ratio with the epochs of Table 8",
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        whole = row["whole s"]
        steps = whole["shared"] - whole["extraction"]
        cells = [
            row["name"],
            ", ".join(map(str, batches(row["name"]))),
            f"{whole['sample forward']:.3g}, {whole['sample forward and backward']:.3g}",
            f"{whole['released'] / 3600:.4g}",
            f"{whole['extraction'] / 3600:.3g}",
            f"{steps / 3600:.3g}",
            f"**{whole['released'] / whole['shared']:.0f}×**",
            f"{whole['released'] / whole['split']:.0f}×",
            fewer_epochs(row),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def fewer_epochs(row: Row) -> str:
    """The ratio where the search has the epochs of Table 8: there are fewer over which the extraction is spread."""
    epochs, whole = PRESETS[row["name"]].settings["epochs"], row["whole s"]
    share = epochs / EPOCHS
    ours = whole["extraction"] + share * (whole["shared"] - whole["extraction"])
    return f"{share * whole['released'] / ours:.0f}× ({epochs})"


if __name__ == "__main__":
    main()
