"""A run folder that is made up: every file that a finished search leaves, with numbers that mean nothing, in a second.

`benchmarks/report.py` measures on it, and tests look at what a report makes of names, sizes and damage.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from bmnas.files import sealed_json, write_atomically
from bmnas.genotype import Feature, Genotype, Provenance, from_dict, save
from bmnas.searcher.events import CellMixing, ChoiceDone, EpochDone, MixingDone, Row, RunnerUp, SelectionDone, Tried
from bmnas.searcher.run.layout import FORMAT, FOUND, status_file
from bmnas.searcher.run.seed_folder import SeedFolder

OPERATIONS = ("Sum", "Attention", "LinearGLU", "ConcatFC")


@dataclass(frozen=True)
class Made:
    """What is made up.

    Attributes:
        task: its name.
        modalities: their names; each has four features.
        classes: the names of the classes; of a regression, of the outputs.
        objective: as ``config.json`` has it.
        metric: of the task.
        seeds: how many.
        epochs: of the search.
        samples: of the test split.
        groups: of the samples; 0 for none.
        lr: a setting.
    """

    task: str = "made"
    modalities: tuple[str, ...] = ("Video", "Sound")
    classes: tuple[str, ...] = tuple("abcdefghij")
    objective: str = "SingleLabel(class_weights=None, label_smoothing=0.0)"
    metric: str = "accuracy"
    seeds: int = 5
    epochs: int = 30
    samples: int = 1000
    groups: int = 0
    lr: float = 0.001


def make_run(folder: Path, made: Made | None = None) -> Path:
    """Write it. A folder that has one is written over."""
    made = made or Made()
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "format": FORMAT,
        "bmnas": "0",
        "invocation": f"--task {made.task}",
        "task": made.task,
        "modalities": list(made.modalities),
        "outputs": len(made.classes),
        "objective": made.objective,
        "metric": made.metric,
        "search": {
            "lr": made.lr,
            "seed": 0,
            "seeds": made.seeds,
            "epochs": made.epochs,
            "cells": 2,
            "steps": 2,
            "operations": list(OPERATIONS),
            "strategy": {"kind": "bilevel", "select": {"kind": "scored", "top_k": 3}},
        },
        "features": {"views": 1, "precision": "float32"},
    }
    write_atomically(folder / "config.json", sealed_json(record))
    lines = [line for seed in range(made.seeds) for line in _seed(folder, made, seed)]
    write_atomically(folder / "events.jsonl", "".join(sealed_json(line, indent=None) for line in lines))
    write_atomically(folder / "outlook.json", sealed_json({"sentences": ["Room for fusion: made up."]}))
    status = {
        "format": "bmnas-status/1",
        "state": "done",
        "why": "",
        "command": f"bmnas search --task {made.task}",
        "environment": {"python": "3", "device": "cpu"},
        "peak_memory": {"process": 2**30},
    }
    write_atomically(status_file(folder), sealed_json(status))
    return folder


def _seed(folder: Path, made: Made, seed: int) -> list[dict[str, Any]]:
    """What a seed leaves; returns its lines of ``events.jsonl``."""
    random = Random(seed)
    place = SeedFolder(folder if made.seeds == 1 else folder / f"seed{seed}")
    place.path.mkdir(exist_ok=True)
    events: list[Any] = []
    known = {"seed": seed, "trainings": 1, "candidates": 0, "seconds": 1.5}
    genotype = _genotype(made, random)
    for epoch in range(1, made.epochs + 1):
        genotype = _genotype(made, random) if random.random() < 0.4 else genotype
        events.append(
            EpochDone(
                **known,
                round=epoch,
                rounds=made.epochs,
                score=1 - 0.7 / epoch**0.5,
                genotype=genotype,
                best=True,
                loss=2 / epoch + random.random() / 10,
                arch_loss=2 / epoch**0.5,
                lr=0.001,
                parameter_free=0.5,
                mixing=_mixing(made, epoch),
            )
        )
    others = [_genotype(made, random) for _ in range(3)]
    for number, other in enumerate(others, 1):
        events.append(RunnerUp(**known, round=number, rounds=None, score=random.random(), genotype=other, best=False))
    events.append(SelectionDone(**known, round=1, rounds=1, score=0.9, genotype=genotype, best=True))
    events.append(
        ChoiceDone(
            **known,
            round=1,
            rounds=1,
            score=0.9,
            genotype=genotype,
            best=True,
            chosen=FOUND,
            losses={FOUND: 0.2, "late fusion": 0.3},
            rival="late fusion",
            difference=-0.1,
            error=0.02,
            folds=5,
            tried=tuple(
                Tried(form="as found", runner_up=number, loss=random.random(), score=random.random())
                for number in range(4)
            ),
        )
    )
    for event in events:
        place.round_done(event, event.genotype)
    _rows(place, made, seed)
    provenance = Provenance(command=f"bmnas search --task {made.task}", seed=seed, data=f"{made.task}@0")
    save(genotype.model_copy(update={"provenance": provenance}), place.path / "genotype.json")
    model = {"format": "bmnas-model/1", "class_names": list(made.classes), "threshold": None, "metric": made.metric}
    write_atomically(place.path / "genotype.model.json", sealed_json(model))
    return [{"event": type(event).__name__, **event.model_dump(mode="json")} for event in events]


def _rows(place: SeedFolder, made: Made, seed: int) -> None:
    """Better and better rows, whose outputs are the labels with less and less noise."""
    random, fixed = np.random.default_rng(seed), np.random.default_rng(0)
    labels, truth = _labels(made, fixed)
    groups = torch.arange(made.samples) % made.groups if made.groups else None
    names = [f"{modality} alone" for modality in made.modalities]
    names += ["score fusion", "linear, last features", "linear, all features", "late fusion", FOUND]
    rows = []
    for number, name in enumerate(names):
        outputs = 4 * truth + (8 - number) / 1.6 * random.normal(size=truth.shape)
        place.keep_outputs(name, torch.from_numpy(outputs).float(), torch.from_numpy(labels), groups)
        place.keep_curve(name, {epoch: 1 / epoch for epoch in range(1, made.epochs + 1)})
        test = _score(made, outputs, labels)
        rows.append(Row(name=name, test=test, parameters=1000 * (number + 1), seconds=2.5))
    place.row_done(rows, made.metric, {"epochs": made.epochs, "lr": made.lr, "seed": seed})


def _labels(made: Made, random: np.random.Generator) -> tuple[Any, Any]:
    count = len(made.classes)
    if made.objective.startswith("SingleLabel"):
        labels = random.integers(count, size=made.samples)
        return labels, np.eye(count)[labels]
    if made.objective.startswith("MultiLabel"):
        labels = random.integers(2, size=(made.samples, count)).astype(np.float32)
        return labels, 2 * labels - 1
    labels = random.normal(size=(made.samples, count)).astype(np.float32)
    return labels, labels / 4


def _score(made: Made, outputs: Any, labels: Any) -> float:
    if made.objective.startswith("SingleLabel"):
        return float((outputs.argmax(1) == labels).mean())
    if made.objective.startswith("MultiLabel"):
        return float(((outputs > 0) == labels).mean())
    return float(((outputs - labels) ** 2).mean())


def _features(made: Made) -> list[Feature]:
    return [
        Feature(name=f"{modality}_{depth}", modality=modality, channels=16)
        for modality in made.modalities
        for depth in range(1, 5)
    ]


def _genotype(made: Made, random: Random) -> Genotype:
    names = [feature.name for feature in _features(made)]
    cells = []
    for n in range(2):
        steps = [{"op": random.choice(OPERATIONS), "inputs": ["x", "y"]}]
        steps.append({"op": random.choice(OPERATIONS), "inputs": ["Step_1", random.choice("xy")]})
        cells.append({"inputs": random.sample([*names, *(f"Cell_{i + 1}" for i in range(n))], 2), "steps": steps})
    return from_dict(
        {
            "name": "made-up",
            "representation": {"channels": 16, "length": 4},
            "features": [feature.model_dump() for feature in _features(made)],
            "cells": cells,
            "head": {"outputs": len(made.classes)},
        }
    )


def _mixing(made: Made, epoch: int) -> MixingDone:
    names = [feature.name for feature in _features(made)]

    def shares(of: list[str]) -> dict[str, float]:
        weights = [1 + (k * epoch % 7) * epoch / 20 for k in range(len(of))]
        return {name: round(weight / sum(weights), 5) for name, weight in zip(of, weights, strict=True)}

    cells = []
    for n in range(2):
        into = [*names, *(f"Cell_{i + 1}" for i in range(n))]
        steps = tuple({each: shares(["x", "y", *["Step_1"] * m]) for each in "xy"} for m in range(2))
        operations = tuple(shares(list(OPERATIONS)) for _ in range(2))
        cells.append(CellMixing(inputs={each: shares(into) for each in "xy"}, steps=steps, operations=operations))
    return MixingDone(cells=tuple(cells))
