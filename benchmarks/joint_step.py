"""A step of joint training beside one of a plain PyTorch loop, in turns: the same model, batches, optimiser, clipping.

    python benchmarks/joint_step.py [--task digits] [--data DIR] [--modalities NAMES] [--rounds 15] [--steps 20]

Both read the same batches, which are there before the time runs. What ours does besides: it seeds each step, looks at
its loss, keeps batch norm's statistics in case a batch does not fit, and sets each group's step size.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

import bmnas
from bmnas.compiler import compile_genotype
from bmnas.fit.events import Pause
from bmnas.genotype.presets import concat_fc, last_features
from bmnas.joint import JointConfig, JointModel, JointTraining
from bmnas.tasks import backbones

WARM = 5


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digits")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--modalities", help="with commas")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    modalities = arguments.modalities.split(",") if arguments.modalities else None
    task = bmnas.get_task(arguments.task, data=arguments.data, modalities=modalities)
    device = torch.device(arguments.device)
    cache = arguments.cache or Path(tempfile.mkdtemp(prefix="bmnas-joint-"))
    ours, plain = steps_of(task, device, cache, arguments.steps * arguments.rounds + WARM)
    for _ in range(WARM):
        next(ours), next(plain)
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    for number in range(arguments.rounds):
        turns = [("ours", ours), ("plain", plain)]
        for name, step in turns if number % 2 else turns[::-1]:
            seconds[name].append(_timed(lambda step=step: [next(step) for _ in range(arguments.steps)], device))
    ratios = [own / other for own, other in zip(seconds["ours"], seconds["plain"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    each = {name: 1000 * statistics.median(values) / arguments.steps for name, values in seconds.items()}
    print(
        f"{task.name} ({', '.join(task.modalities)}): ours {each['ours']:.2f} ms a step, plain {each['plain']:.2f} ms, "
        f"ratio {middle:.3f} (middle half {low:.3f} to {high:.3f})"
    )
    print(f"bmnas {bmnas.__version__}, torch {torch.__version__}, one thread, {os.cpu_count()} cores, device {device}")


def steps_of(
    task: bmnas.Task, device: torch.device, cache: Path, count: int
) -> tuple[Iterator[object], Iterator[object]]:
    """Steps of ours, and of the plain loop, on copies of one model."""
    frame = {"channels": 32, "length": 4, "outputs": task.outputs, "dropout": 0.1}
    network = compile_genotype(concat_fc(last_features(task.features), **frame))
    split = task.split("train")
    config = JointConfig(epochs=max(2, count), batch_size=32, augment=False)
    model = JointModel(network, task, backbones(task, device=device, cache=cache), split[:2], config).to(device)
    other = copy.deepcopy(model)
    training = _Ready(model, task, config, ["train"], seed=0, device=device, title="benchmark")
    ours = (event for event in training.fit.steps() if isinstance(event, Pause) and not event.save)
    return ours, _plain(other, task, config, training.batches)


class _Ready(JointTraining):
    """Whose batches are read once."""

    @cached_property
    def batches(self) -> list[bmnas.Split]:
        """On the device."""
        return [*super()._left(1, 0)]

    def _left(self, epoch: int, done: int) -> Iterator[bmnas.Split]:
        return iter(self.batches[done:])


def _plain(model: JointModel, task: bmnas.Task, config: JointConfig, batches: list[bmnas.Split]) -> Iterator[object]:
    groups = model.groups(config)
    optimizer = torch.optim.AdamW(
        [{"params": list(group.weights.values()), "lr": group.rate} for group in groups],
        weight_decay=config.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs * len(batches))
    weights = [weight for group in groups for weight in group.weights.values()]
    model.train()
    while True:
        for batch in batches:
            optimizer.zero_grad()
            loss = task.loss(model(batch), batch.labels)
            loss.backward()
            nn.utils.clip_grad_norm_(weights, config.clip)
            optimizer.step()
            schedule.step()
            yield loss


def _timed(work: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
