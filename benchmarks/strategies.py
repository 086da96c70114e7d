"""Strategies of `bmnas search` on one task with equal budgets, several seeds: mean ± standard deviation.

    python benchmarks/strategies.py [--task digits] [--data DIR] [--modalities skeleton,inertial]
        [--strategies bilevel random ...] [--seeds 0 1 2 3 4] [--out FOLDER] [--cache FOLDER] [--epochs N]
        [--population 4]

First the bilevel search, with the settings that suit the task. The mean of its seconds (without extraction, with
selection) is the budget of random search and evolution, which end after the candidate that reaches it and train each
for as many epochs as the hypernet. That is time for few candidates, so that evolution has a population of 4 here; both
begin with the same candidates. gdas and random-ws get the same epochs as the bilevel search; their seconds are
shown. What each seed found is trained on training + validation data, like the baselines, and tested once.

The run folders and a result for each strategy and seed are kept in --out, so that the same command goes on where it was
stopped. Budgets in seconds ask for a quiet machine. On the planted task a column says how often the pair was found.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.files import write_atomically
from bmnas.searcher import SearchConfig, TrainConfig
from bmnas.searcher.run.interrupt import Interrupted
from bmnas.tasks import Task, get_task

STRATEGIES = ("bilevel", "random", "evolution", "gdas", "random-ws")
_BY_SECONDS = ("random", "evolution")

Result = dict[str, Any]


def main() -> None:
    """Run what has no result yet, and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digits")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--modalities", help="of the task, with commas; all of them if left out")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--out", type=Path, help="runs/strategies/TASK if left out")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--epochs", type=int, help="of a hypernet and of each candidate; the task's own if left out")
    parser.add_argument("--population", type=int, default=4, help="of evolution")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    modalities = arguments.modalities.split(",") if arguments.modalities else None
    task = get_task(arguments.task, data=arguments.data, modalities=modalities)
    out = arguments.out or Path("runs") / "strategies" / task.name
    out.mkdir(parents=True, exist_ok=True)
    # The others need its seconds, even if it is no row of the table.
    bilevel = [measured(task, out, "bilevel", seed, arguments) for seed in arguments.seeds]
    budget = kept_budget(out, [result["seconds"] for result in bilevel])
    results = {"bilevel": bilevel} if "bilevel" in arguments.strategies else {}
    for strategy in [name for name in arguments.strategies if name != "bilevel"]:
        results[strategy] = [measured(task, out, strategy, seed, arguments, budget) for seed in arguments.seeds]
    print(markdown(results, task))
    print(f"\n{baselines_markdown(bilevel, task)}")
    print(f"\nBudget of random and evolution: {budget} s. Seeds {arguments.seeds}.")
    versions = f"bmnas {bmnas.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    print(f"{versions}, {os.cpu_count()} CPU cores, device {arguments.device}")


def measured(
    task: Task, out: Path, strategy: str, seed: int, arguments: argparse.Namespace, budget: float | None = None
) -> Result:
    """The result of one search: that of an earlier call, or else it is run, or continued."""
    seconds = budget if strategy in _BY_SECONDS else None
    population = arguments.population if strategy == "evolution" else None
    config = SearchConfig.for_task(
        task,
        strategy=strategy,
        seed=seed,
        epochs=arguments.epochs,
        # The paper's space, and what each strategy finds in it, whether it is the final choice or not.
        anchor="none",
        select_budget=0,
        budget_seconds=seconds,
        population=population,
    )
    train = TrainConfig.ending(task, config)
    settings = {
        "features": [feature.name for feature in task.features],
        "search": config.model_dump(mode="json"),
        "train": train.model_dump(mode="json"),
    }
    file = out / f"{strategy}-seed{seed}.json"
    if file.exists():
        kept: Result = json.loads(file.read_text())
        if kept["settings"] != settings:
            raise BmnasError(
                f"{file}: holds the result of other settings; delete it, or name another folder with --out"
            )
        return kept
    where = {"device": arguments.device, "cache": arguments.cache}
    with_baselines = strategy == "bilevel"
    found = bmnas.search(
        task, config, train=train, folder=out / f"{strategy}-seed{seed}", evaluate=with_baselines, **where
    )
    if with_baselines:
        tests = {row.name: row.test for row in found.rows}
    else:
        tests = {"found network": bmnas.train(found.genotype, task, train, **where).test}
    last = found.history[-1]
    result = {
        "validation": found.seeds[0].score,
        "test": tests.pop("found network"),
        "seconds": round(sum(event["seconds"] for event in found.history), 1),
        "trainings": last["trainings"],
        "candidates": last["candidates"],
        "cells": [[list(cell.inputs), [step.op for step in cell.steps]] for cell in found.genotype.cells],
        "baselines": tests,
        "settings": settings,
    }
    write_atomically(file, json.dumps(result, indent=1) + "\n")
    shown = {name: result[name] for name in ("validation", "test", "seconds", "trainings", "candidates", "cells")}
    print(f"{strategy} seed {seed}: {json.dumps(shown)}", file=sys.stderr, flush=True)
    return result


def kept_budget(out: Path, seconds: Sequence[float]) -> float:
    """The mean of the bilevel searches' seconds; that of the first call, for results of later ones to be comparable."""
    file = out / "budget.json"
    if not file.exists():
        write_atomically(file, json.dumps({"seconds": round(statistics.mean(seconds), 1)}) + "\n")
    return float(json.loads(file.read_text())["seconds"])


def markdown(results: dict[str, list[Result]], task: Task) -> str:
    """One line a strategy."""
    pair = getattr(task, "planted_pair", None)
    factor = _factor(task)
    columns = [f"validation {task.metric.name}", f"test {task.metric.name}", "seconds", "networks trained"]
    columns += ["genotypes scored", *(["pair found"] if pair else [])]
    lines = ["| strategy | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for strategy, runs in results.items():
        cells = [spread([factor * run[name] for run in runs], 2) for name in ("validation", "test")]
        cells += [spread([run[name] for run in runs], 1) for name in ("seconds", "trainings", "candidates")]
        if pair:
            cells.append(f"{sum(has_pair(run, pair) for run in runs)} of {len(runs)}")
        lines.append(f"| {strategy} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def has_pair(run: Result, pair: Sequence[str]) -> bool:
    """Whether a cell of the genotype reads the pair."""
    return any(set(inputs) == set(pair) for inputs, _ in run["cells"])


def baselines_markdown(bilevel: Sequence[Result], task: Task) -> str:
    """One line a baseline."""
    lines = [f"| baseline | test {task.metric.name} |", "|---|---|"]
    for name in bilevel[0]["baselines"]:
        lines.append(f"| {name} | {spread([_factor(task) * run['baselines'][name] for run in bilevel], 2)} |")
    return "\n".join(lines)


def spread(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation of the sample; the value alone where all are the same."""
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(set(values)) == 1:
        return mean.rstrip("0").rstrip(".") if float(values[0]).is_integer() else mean
    return f"{mean} ± {statistics.stdev(values):.{digits}f}"


def _factor(task: Task) -> float:
    return 100 if task.metric.name == "accuracy" else 1


if __name__ == "__main__":
    try:
        main()
    except (BmnasError, Interrupted) as error:
        sys.exit(f"benchmarks/strategies.py: {error}")
