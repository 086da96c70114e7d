"""What it costs to make one genotype of a hypernet: both relaxations, every way of selecting, on validation alone.

    python benchmarks/discretisation.py [--tasks digits planted] [--data TASK=FOLDER ...] [--seeds 5] [--json FILE]
    python benchmarks/discretisation.py --tasks utd-mhad av-digits --data utd-mhad=UTD-MHAD av-digits=DIR

For each task and relaxation one bilevel search with several seeds. Columns, means ± standard deviations over the seeds,
all on the validation split:

    hypernet     the hypernet after the last epoch, in eval mode
    inherited    the network of the selected genotype with the hypernet's weights, batch norm's statistics measured anew
    cost         the difference of the two
    trained      the same network trained from fresh weights on the training split alone

Late fusion of the last features, trained in the same way, stands beside. The test split is not read.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import bmnas
from bmnas.compiler import pool
from bmnas.fit.threads import threads_for
from bmnas.genotype import Genotype
from bmnas.searcher import EpochDone, SearchConfig, TrainConfig
from bmnas.searcher.candidate import CandidateTraining
from bmnas.searcher.hypernet import of_seed
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.problem import Problem
from bmnas.searcher.run.baselines import baselines
from bmnas.searcher.selections import SELECTIONS, Choice, Looks
from bmnas.searcher.strategies import Bilevel
from bmnas.tasks import get_task, prepare

COMPARED = ("alpha", "perturbation", "scored")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["digits", "planted"])
    parser.add_argument("--data", nargs="*", default=[], metavar="TASK=FOLDER")
    parser.add_argument("--modalities", nargs="*", default=[], metavar="TASK=NAMES")
    parser.add_argument("--relaxations", nargs="+", default=["shared", "split"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", type=Path, help="write the numbers there too, after each row")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for task in arguments.tasks:
        for relaxation in arguments.relaxations:
            rows += measured(task, relaxation, arguments)
            if arguments.json:
                arguments.json.write_text(json.dumps(rows, indent=1))
    print(markdown(rows))
    versions = f"bmnas {bmnas.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    print(f"\n{versions}, {os.cpu_count()} CPU cores, {arguments.seeds} seeds")


def measured(name: str, relaxation: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """One row for each selection: column -> the values of the seeds, in percent."""
    data = dict(each.split("=", 1) for each in arguments.data)
    modalities = dict(each.split("=", 1) for each in arguments.modalities)
    task = get_task(
        name,
        data=Path(data[name]) if name in data else None,
        modalities=modalities[name].split(",") if name in modalities else None,
    )
    given = {"relaxation": relaxation, "select": "alpha", "seeds": arguments.seeds, "epochs": arguments.epochs}
    config = SearchConfig.for_task(task, anchor="none", select_budget=0, **given)
    store = prepare(task, length=config.length, pool=pool, cache=arguments.cache)
    with threads_for(config.batch_size * config.channels * config.length):
        problem = Problem.of(task, store, config, torch.device("cpu"))
        search = Bilevel(problem)
        start = time.perf_counter()
        last = {event.seed: event for event in search.events() if isinstance(event, EpochDone)}
        seconds = time.perf_counter() - start
        rows = []
        for selection in COMPARED:
            row: dict[str, Any] = {"task": name, "relaxation": relaxation, "selection": selection, "search s": seconds}
            values: dict[str, list[float]] = {"hypernet": [], "inherited": [], "cost": [], "trained": []}
            row["genotypes"] = []
            start = time.perf_counter()
            chosen = [choose(selection, search, k) for k in range(arguments.seeds)]
            row["selection s"] = (time.perf_counter() - start) / arguments.seeds
            for seed, choice in zip(problem.seeds, chosen, strict=True):
                values["hypernet"].append(100 * last[seed].score)
                values["inherited"].append(100 * choice.score)
                values["cost"].append(100 * (last[seed].score - choice.score))
                values["trained"].append(100 * trained(choice.genotype, problem, seed))
                row["genotypes"].append([list(cell.inputs) for cell in choice.genotype.cells])
            rows.append(row | values)
            print(json.dumps(rows[-1]), flush=True)
        late_fusion = baselines(task, config)["late fusion"].genotype.model_copy(update={"features": task.features})
        late = [100 * trained(late_fusion, problem, seed) for seed in problem.seeds]
        for row in rows:
            row["late fusion"] = late
    return rows


def choose(selection: str, search: Bilevel, k: int) -> Choice:
    """The genotype of seed k."""
    problem, seed, hypernet = search.problem, search.problem.seeds[k], of_seed(search.hypernet, k)
    if selection == "alpha":
        genotype = search.genotypes()[k]
        return Choice(genotype, inherited_score(problem, hypernet, genotype, calibration_batches(problem)), 1)
    looking = SELECTIONS.find(selection)().select(problem, hypernet, seed, Looks())
    while True:
        try:
            next(looking)
        except StopIteration as stop:
            choice: Choice = stop.value
            return choice


def trained(genotype: Genotype, problem: Problem, seed: int) -> float:
    """Validation score after a training on the training split, with the epochs of a search's final trainings."""
    epochs = TrainConfig.ending(problem.task, problem.config).epochs
    longer = replace(problem, config=problem.config.model_copy(update={"epochs": epochs}))
    training = CandidateTraining(longer, genotype, seed, 1)
    for _ in training.steps():
        pass
    return training.score


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """One line a row."""
    columns = ["hypernet", "inherited", "cost", "trained", "late fusion"]
    lines = ["| task | relaxation | selection | " + " | ".join(columns) + " |", "|---" * (len(columns) + 3) + "|"]
    for row in rows:
        cells = [f"{statistics.mean(row[name]):.1f} ± {spread(row[name]):.1f}" for name in columns]
        lines.append(f"| {row['task']} | {row['relaxation']} | {row['selection']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> float:
    """The standard deviation of the sample."""
    return statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
