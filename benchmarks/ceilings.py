"""How far a task goes without a search: heads on the kept features of one modality, on sums of them, on all of them.

    python benchmarks/ceilings.py --task av-sum --data DIR
    python benchmarks/ceilings.py --task utd-transfer --data DIR --set left_out=3 --set half=1

Features are pooled to the length of the task's searches, flattened and standardised by the training split; heads are
trained on it alone. Logistic regression is scikit-learn's. *Added log-probabilities* are those of one regression a
modality, each trained by itself: late fusion. An *additive* MLP is one of each modality, trained together on the sum of
their outputs; a *joint* one sees all modalities at once. What only the joint ones can do needs fusion.

`--set` gives an argument of the task's class, whose values are whole numbers here. The test split is printed for every
row; nothing is chosen by it.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sklearn
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

import bmnas
from bmnas.compiler import pool
from bmnas.fit.seeding import seeded
from bmnas.tasks import TASKS, Task, prepare
from bmnas.tasks.training import TrainingSettings, outputs_of, train

_SPLITS = ("train", "validation", "test")
_MLP = TrainingSettings(epochs=30, batch_size=64, learning_rate=1e-3, weight_decay=0.1, seed=0)

# Of a head: log-probabilities (N, classes) by split.
Outputs = Mapping[str, Tensor]


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER")
    parser.add_argument("--cache", type=Path, help="of backbones and features; the usual one if left out")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    task = opened(arguments.task, arguments.data, arguments.set)
    features, labels, spent = prepared(task, arguments.cache)
    print(f"{task.name} {dict(task.options)}, chance {100 / task.outputs:.1f} %, ready after {spent:.0f} s of one core")
    print(", ".join(f"{split} {len(labels[split])}" for split in _SPLITS))
    print("\n| head | on | validation accuracy | test accuracy |\n|---|---|---|---|")
    for head, on, outputs in rows(task, features, labels):
        scores = [100 * accuracy(outputs[split], labels[split]) for split in _SPLITS[1:]]
        print(f"| {head} | {on} | {scores[0]:.2f} | {scores[1]:.2f} |", flush=True)
    versions = f"torch {torch.__version__}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}"
    print(f"\nbmnas {bmnas.__version__}, {versions}, {os.cpu_count()} CPU cores")


def opened(name: str, data: Path | None, given: Sequence[str]) -> Task:
    """The task, with arguments of its class."""
    options = {key: int(value) for key, _, value in (each.partition("=") for each in given)}
    if not options:
        return bmnas.get_task(name, data=data)
    kind: Callable[..., Task] = TASKS[name]
    return kind(*([] if data is None else [data]), **options)


def prepared(task: Task, cache: Path | None) -> tuple[dict[str, dict[str, Tensor]], dict[str, Tensor], float]:
    """By split and feature, standardised numbers (N, W); the labels by split; seconds of processor time it took."""
    start = time.process_time()
    store = prepare(task, length=task.settings["length"], pool=pool, cache=cache)
    spent = time.process_time() - start
    splits = {split: store.split(split) for split in _SPLITS}  # type: ignore[arg-type]
    features: dict[str, dict[str, Tensor]] = {split: {} for split in _SPLITS}
    for feature in task.features:
        flat = {split: samples.features[feature.name].flatten(1) for split, samples in splits.items()}
        mean, spread = flat["train"].mean(0), flat["train"].std(0)
        # What hardly changes in training stays small in other samples too.
        spread = spread.clamp_min(0.1 * spread.mean())
        for split in _SPLITS:
            features[split][feature.name] = (flat[split] - mean) / spread
    return features, {split: samples.labels for split, samples in splits.items()}, spent


def rows(task: Task, features: Mapping[str, Mapping[str, Tensor]], labels: Mapping[str, Tensor]) -> Any:
    """Each head with what it is on, and its outputs."""

    def columns(names: Sequence[str]) -> Outputs:
        return {split: torch.cat([features[split][name] for name in names], dim=1) for split in _SPLITS}

    every = {
        modality: [feature.name for feature in task.features if feature.modality == modality]
        for modality in task.modalities
    }
    last = {modality: names[-1:] for modality, names in every.items()}
    for names in every.values():
        for name in names:
            yield "logistic regression", name, regression(columns([name]), labels)
    for what, chosen in (("last features", last), ("all features", every)):
        alone = [regression(columns(names), labels) for names in chosen.values()]
        together = [name for names in chosen.values() for name in names]
        added = {split: torch.stack([outputs[split] for outputs in alone]).sum(0) for split in _SPLITS}
        yield "added log-probabilities", what, added
        yield "logistic regression", what, regression(columns(together), labels)
        for modality, names in chosen.items():
            yield "MLP", f"{what} of {modality}", mlp([columns(names)], labels, task.outputs)
        yield "additive MLP", what, mlp([columns(names) for names in chosen.values()], labels, task.outputs)
        yield "joint MLP", what, mlp([columns(together)], labels, task.outputs)


def regression(inputs: Outputs, labels: Mapping[str, Tensor]) -> Outputs:
    """Of the penalties, the one that is best on validation."""
    found = []
    for strength in (1e-3, 1e-2):
        model = LogisticRegression(C=strength, max_iter=100).fit(inputs["train"].numpy(), labels["train"].numpy())
        outputs = {split: torch.from_numpy(model.predict_log_proba(inputs[split].numpy())) for split in _SPLITS}
        found.append((accuracy(outputs["validation"], labels["validation"]), outputs))
    return max(found, key=lambda pair: pair[0])[1]


def mlp(parts: Sequence[Outputs], labels: Mapping[str, Tensor], classes: int) -> Outputs:
    """The sum of a network with one hidden layer for each part of the columns, trained together."""
    sizes = [part["train"].shape[1] for part in parts]
    with seeded(0):
        network = _Sum(sizes, classes)
        whole = {split: torch.cat([part[split] for part in parts], dim=1) for split in _SPLITS}
        train(network, whole["train"], labels["train"], nn.functional.cross_entropy, _MLP)
    return {split: outputs_of(network, whole[split]) for split in _SPLITS}


class _Sum(nn.Module):
    def __init__(self, sizes: Sequence[int], classes: int, width: int = 256) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.parts = nn.ModuleList(
            nn.Sequential(
                nn.Linear(size, width, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.Dropout(0.2),
                nn.Linear(width, classes),
            )
            for size in sizes
        )

    def forward(self, columns: Tensor) -> Tensor:
        pieces = zip(self.parts, columns.split(self.sizes, dim=1), strict=True)
        return torch.stack([part(piece) for part, piece in pieces]).sum(0)


def accuracy(outputs: Tensor, labels: Tensor) -> float:
    """The share of samples whose greatest output is the label's."""
    return (outputs.argmax(1) == labels).double().mean().item()


if __name__ == "__main__":
    main()
