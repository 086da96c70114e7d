"""The compiled network against the released code's, for the paper's nine architectures.

    python benchmarks/compiled_vs_official.py --official PATH [--threads 1] [--device cpu] [--rounds 15] [--json FILE]

PATH is a checkout of the released code. Both sides are reshape layers, cells and classifier, with the same weights and
the same inputs, and run by turns in one process; every number is a median over the rounds, every ratio the median of
the ratios of neighbours. First their outputs are compared.

Two tables. Pooled: both sides are fed what a feature store keeps, the features after the parameter-free pooling. The
released reshape layer knows nothing of that and pools again, which changes nothing and takes time. Raw: both are fed
the maps that the backbones give for the input sizes of the released scripts, so the pooling is measured too.

Beside each time stands the bound of its matrix products: their multiply-adds, which `torch.utils.flop_counter` counts,
over the measured rate of one large product.

A training step is: gradients to none, forward, loss (cross-entropy; for MM-IMDB binary cross-entropy), backward, Adam
with its defaults. Our side with ``fused=True``, and with ``--compile`` through torch.compile, is shown apart from the
ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from measuring import (
    against_official,
    bound_ms,
    interleaved,
    machine_and_versions,
    operations,
    products_in_words,
    products_per_second,
)
from released_code import ReleasedNetwork
from torch import Tensor, nn

import bmnas
from bmnas.compiler.official import load_official_state
from bmnas.genotype import Genotype, published

# What the released backbones' taps give for one sample. NTU: 8 frames of 256 x 256, 32 frames of 25 joints; EgoGesture:
# 32 frames of 112 x 112; MM-IMDB: a poster of 256 x 160.
TAPS: dict[str, tuple[int, ...]] = {
    "Video_1": (8, 32, 32),
    "Video_2": (8, 16, 16),
    "Video_3": (8, 8, 8),
    "Video_4": (),
    "Skeleton_1": (4, 4),
    "Skeleton_2": (2, 2),
    "Skeleton_3": (),
    "Skeleton_4": (),
    "Image_1": (32, 20),
    "Image_2": (32, 20),
    "Image_3": (16, 10),
    "Image_4": (8, 5),
    "Text_1": (),
    "Text_2": (),
} | {
    f"{modality}_{i}": tap
    for modality in ("RGB", "Depth")
    for i, tap in enumerate([(8, 14, 14), (4, 7, 7), (2, 4, 4), (2, 1, 1)], 1)
}

# The released code adds in place where autograd does not allow it without dropout, so these do not train there as they
# are; both sides train with this rate instead.
DROPOUT_INSTEAD_OF_NONE = 0.2

COLUMNS = ("inference, batch 1", "inference, batch {batch}", "training step, batch {batch}")
Row = dict[str, Any]


def main() -> None:
    """Print a table for pooled and one for raw features."""
    parser = against_official(__doc__)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--inputs", choices=["pooled", "raw", "both"], default="both")
    parser.add_argument("--only", nargs="+", choices=published.names(), default=published.names())
    parser.add_argument(
        "--compile", action="store_true", help="our inference through torch.compile too; on a GPU as CUDA graphs"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    # By default a convolution on a GPU rounds to TF32 and a matrix product does not: both sides compute in float32.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    kinds = ["pooled", "raw"] if arguments.inputs == "both" else [arguments.inputs]
    rows = {kind: [measured(name, kind, arguments) for name in arguments.only] for kind in kinds}
    for kind in kinds:
        print(f"\nFeatures {kind}\n\n{markdown(rows[kind])}")
    about = machine_and_versions(arguments)
    print(f"\n{about}, {arguments.rounds} rounds. {products_in_words(torch.device(arguments.device))}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": about, "rows": rows}, indent=1))


def measured(name: str, kind: str, arguments: argparse.Namespace) -> Row:
    """Milliseconds and operations of one architecture, both sides."""
    device, rounds = torch.device(arguments.device), arguments.rounds
    batch = batch_that_fits(published.load(name), kind, arguments.batch, device)
    genotype = published.load(name)
    ours, theirs = both(genotype, arguments.official, device)
    one, many = (features_of(genotype, kind, size, device) for size in (1, batch))
    row: Row = {"name": name, "batch": batch, "difference": difference(ours, theirs, many)}
    fast = ours.for_inference() if hasattr(ours, "for_inference") else ours
    row["difference"] = max(row["difference"], difference(fast, theirs, many))
    if row["difference"] > 1e-4:
        raise SystemExit(f"{name}: the outputs differ by {row['difference']:.1e}, relatively; nothing is measured")
    row["operations"] = [operations(partial(infer, network, one)) for network in (theirs, fast)]
    networks = [
        theirs,
        fast,
        *([torch.compile(fast, mode="reduce-overhead", dynamic=False)] if arguments.compile else []),
    ]
    times = []
    rate = products_per_second(device, torch.float32)
    row["bound ms"] = [
        [bound_ms(partial(infer, network, features), rate) for network in (theirs, fast)] for features in (one, many)
    ]
    for features in (one, many):
        times.append(interleaved([partial(infer, network, features) for network in networks], rounds, device))
    if genotype.dropout == 0:
        genotype = genotype.replace(dropout=DROPOUT_INSTEAD_OF_NONE)
        row["dropout"] = DROPOUT_INSTEAD_OF_NONE
        ours, theirs = both(genotype, arguments.official, device)
    fused, _ = both(genotype, arguments.official, device)
    targets = targets_of(genotype, batch, device)
    steps = [training_step(network, many, targets) for network in (theirs, ours)]
    steps.append(training_step(fused, many, targets, fused=True))
    row["operations in a step"] = [operations(step) for step in steps[:2]]
    row["bound ms"].append([bound_ms(step, rate) for step in steps[:2]])
    times.append(interleaved(steps, rounds, device))
    row["ms"] = [[1000 * statistics.median(samples) for samples in column] for column in times]
    row["ratios"] = [statistics.median(a / b for a, b in zip(*column[:2], strict=True)) for column in times]
    print(f"{name}, {kind}: " + ", ".join(f"{ratio:.2f}" for ratio in row["ratios"]), flush=True)
    return row


def both(genotype: Genotype, checkout: Path, device: torch.device) -> tuple[nn.Module, nn.Module]:
    """The compiled and the released network with the same weights and running statistics."""
    torch.manual_seed(0)
    theirs = ReleasedNetwork(genotype, checkout)
    for name, value in theirs.state_dict().items():
        if name.endswith(("running_mean", "bn.bias", "ln.bias")):
            value.normal_(0, 0.1)
        elif name.endswith(("running_var", "bn.weight", "ln.weight")):
            value.uniform_(0.5, 1.5)
    ours = bmnas.compile(genotype)
    load_official_state(ours, theirs.state_dict())
    return ours.to(device).eval(), theirs.to(device).eval()


def features_of(genotype: Genotype, kind: str, batch: int, device: torch.device) -> dict[str, Tensor]:
    """Random maps as the taps give them, of the used features; or what a feature store keeps of them."""
    generator = torch.Generator().manual_seed(1)
    length, features = genotype.representation.length, {}
    for name in bmnas.compile(genotype).features:
        feature = genotype.feature(name)
        assert feature.channels is not None
        value = torch.randn(batch, feature.channels, *TAPS[name], generator=generator)
        if kind == "pooled":
            value = bmnas.compiler.pool(value, feature.reshape, length)
        features[name] = value.to(device)
    return features


def batch_that_fits(genotype: Genotype, kind: str, batch: int, device: torch.device) -> int:
    """The batch, halved until its maps take no more than a quarter of the memory."""
    if kind == "pooled":
        return batch
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if device.type == "cuda":
        memory = min(memory, torch.cuda.get_device_properties(device).total_memory)
    sample = sum(value.numel() * 4 for value in features_of(genotype, "raw", 1, torch.device("cpu")).values())
    while batch * sample > memory / 4:
        batch //= 2
    return batch


def targets_of(genotype: Genotype, batch: int, device: torch.device) -> Tensor:
    """Classes, or for MM-IMDB 0 or 1 for each of the labels."""
    generator = torch.Generator().manual_seed(2)
    assert genotype.head is not None
    outputs = genotype.head.outputs
    if genotype.name.startswith("mmimdb"):
        return torch.randint(2, (batch, outputs), generator=generator).float().to(device)
    return torch.randint(outputs, (batch,), generator=generator).to(device)


def training_step(
    network: nn.Module, features: Mapping[str, Tensor], targets: Tensor, *, fused: bool | None = None
) -> Callable[[], None]:
    """A step that can be called again and again."""
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), fused=fused)
    loss = F.cross_entropy if targets.dim() == 1 else F.binary_cross_entropy_with_logits

    def step() -> None:
        optimizer.zero_grad()
        loss(network(features), targets).backward()
        optimizer.step()

    return step


def infer(network: nn.Module, features: Mapping[str, Tensor]) -> Tensor:
    """One forward without gradients."""
    with torch.inference_mode():
        out: Tensor = network(features)
    return out


def difference(ours: nn.Module, theirs: nn.Module, features: Mapping[str, Tensor]) -> float:
    """Of the outputs, relative to the norm of theirs."""
    expected = infer(theirs, features)
    return float((infer(ours, features) - expected).norm() / expected.norm())


def markdown(rows: list[Row]) -> str:
    """Released → compiled, in milliseconds, with the ratio; then operations; geometric means in the last line."""
    batch = max(row["batch"] for row in rows)
    heads = [column.format(batch=batch) for column in COLUMNS]
    apart = [
        "with fused Adam",
        *(["batch 1 through torch.compile", f"batch {batch}"] if len(rows[0]["ms"][0]) > 2 else []),
    ]
    heads += [*apart, "operations: forward", "operations: step", "difference"]
    lines = [f"| architecture | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for row in rows:
        cells = [
            f"{ms[0]:.3g} ({bound[0]:.2g}) → {ms[1]:.3g} ({bound[1]:.2g}) ms, **{ratio:.2f}×**"
            for ms, bound, ratio in zip(row["ms"], row["bound ms"], row["ratios"], strict=True)
        ]
        counts = [f"{a} → {b}" for a, b in (row["operations"], row["operations in a step"])]
        notes = f" (dropout {row['dropout']} in training)" if "dropout" in row else ""
        notes += f" (batch {row['batch']})" if row["batch"] != batch else ""
        alone = [f"{row['ms'][column][2]:.3g} ms" for column in (2, 0, 1)[: len(apart)]]
        lines.append(f"| {row['name']}{notes} | {' | '.join([*cells, *alone, *counts])} | {row['difference']:.0e} |")
    means = [statistics.geometric_mean(row["ratios"][i] for row in rows) for i in range(len(COLUMNS))]
    lines.append("| geometric mean | " + " | ".join(f"**{mean:.2f}×**" for mean in means) + " |" * (len(apart) + 4))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
