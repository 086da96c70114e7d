"""Does a search pay? Tasks × systems × seeds, and paired tests, sample by sample, corrected for how many they are.

    python benchmarks/evidence.py --out FOLDER [--data DIR] [--tasks ...] [--systems ...] [--seeds 0 1 2 3 4]
        [--folds N] [--cache FOLDER] [--only-report]

On each fold of a task, for each seed, one anchored search with the settings that suit the task. Its rows are systems,
and what it delivers is one: the network that its final choice takes. Beside them `--systems`:

    logistic, mlp   scikit-learn's on all features, means over positions (see bmnas/study/scikit.py)
    summed          logistic regressions of the last features, log-probabilities added
    concat-fc, mha, aoa, glu, gmu, sum   fixed fusions of the last feature of each modality
    random, evolution   searches in the same space that end after as many seconds as the anchored search and its
                    selection took, without its final choice
    paper           bilevel search in the paper's space, where cells are the whole network
    released        with the habits of the released code; only where it is asked for

All networks have the same training settings, and an end of their training that held-out samples chose. Each unit's
log-probabilities of the test samples are kept in --out, so that the same command goes on where it was stopped; with
--only-report nothing is run. DIR holds UTD-MHAD, mnist, free-spoken-digit-dataset and emojitwo; without it, those tasks
that need none are run. Equal seconds ask for a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import sklearn
import torch
from evidence_report import report
from evidence_systems import SEARCH, UNITS, Bench, Said, Unit
from evidence_tasks import SOURCES

from bmnas.errors import BmnasError
from bmnas.files import write_atomically
from bmnas.searcher.run.interrupt import Interrupted
from bmnas.searcher.run.outcome import versions
from bmnas.tasks import SingleLabel

USUAL = tuple(name for name in UNITS if name != "released")


def main() -> None:
    """Run what has no result yet, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tasks", nargs="+", choices=list(SOURCES), metavar="NAME", default=list(SOURCES))
    parser.add_argument("--systems", nargs="+", choices=list(UNITS), metavar="NAME", default=list(USUAL))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--folds", type=int, help="the first so many folds of each task; all, if left out")
    parser.add_argument("--cache", type=Path, help="of backbones and features")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only-report", action="store_true")
    arguments = parser.parse_args()
    if not arguments.only_report:
        torch.set_num_threads(1)
        for name in arguments.tasks:
            if SOURCES[name].needs_data and arguments.data is None:
                _tell(f"{name}: left out, because it needs --data")
                continue
            run_task(name, arguments)
    print(report(arguments.out))


def run_task(name: str, arguments: argparse.Namespace) -> None:
    """All units of a task that have no result yet."""
    source = SOURCES[name]
    # The others need its seconds, and its final choice.
    wanted = [SEARCH, *(system for system in arguments.systems if system != SEARCH)]
    for fold in range(min(source.folds, arguments.folds or source.folds)):
        folder = arguments.out / name / f"fold{fold}"
        task = source.open(arguments.data, fold)
        if not isinstance(task.objective, SingleLabel):
            raise BmnasError(
                f"task {name} has other labels than one class for each sample, which are not compared here"
            )
        bench = Bench(task, folder, arguments.cache, arguments.device)
        for seed in arguments.seeds:
            for system in wanted:
                facts = measured(bench, system, UNITS[system], seed)
                if system == SEARCH:
                    bench.kept[seed] = facts


def measured(bench: Bench, name: str, unit: Unit, seed: int) -> dict[str, Any]:
    """The facts of one unit: those of an earlier call, or else it is run, or continued."""
    unit_name = f"{name}-seed{seed}" if unit.seeded else name
    file = bench.folder / f"{unit_name}.json"
    if reason := unit.why_not(bench):
        if not file.exists():
            write_atomically(file, _json({"system": name, "left_out": reason}))
            _tell(f"{file.with_suffix('')}: left out, because {reason}")
        return {}
    settings = _as_read({**bench.task.identity, "options": dict(bench.task.options), **unit.settings(bench, seed)})
    if file.exists():
        kept = json.loads(file.read_text())
        if kept["settings"] != settings:
            raise BmnasError(f"{file}: is of other settings; delete it, or name another folder with --out")
        return kept["facts"]
    start = time.perf_counter()
    work = bench.folder / "work" / unit_name
    said = unit.said(bench, seed, work)
    seconds = time.perf_counter() - start
    keep(bench, file, said)
    content = {
        "system": name,
        "seed": seed if unit.seeded else None,
        "facts": said.facts,
        "seconds": round(seconds, 2),
        "versions": {
            **versions(),
            "scikit-learn": sklearn.__version__,
            "cores": os.cpu_count(),
            "device": bench.device,
        },
        "settings": settings,
    }
    # Last, because it says that the unit is done.
    write_atomically(file, _json(content))
    for checkpoint in work.rglob("*.ckpt"):
        checkpoint.unlink()
    _tell(f"{file.with_suffix('')}: {seconds:.0f} s, {', '.join(_scores(bench, said))}")
    return _as_read(dict(said.facts))


def keep(bench: Bench, file: Path, said: Said) -> None:
    """Write the log-probabilities of a unit, with labels and groups of the samples."""
    content = {f"outputs/{name}": outputs.float().contiguous() for name, outputs in said.outputs.items()}
    content["labels"] = bench.labels.contiguous()
    if bench.groups is not None:
        content["groups"] = bench.groups.contiguous()
    # The format allows no tensor with two names, as what is delivered and its row are.
    content = {name: tensor.clone() for name, tensor in content.items()}
    write_atomically(file.with_suffix(".safetensors"), safetensors.torch.save(content))


def _scores(bench: Bench, said: Said) -> Sequence[str]:
    return [
        f"{name} {100 * float((outputs.argmax(1) == bench.labels).double().mean()):.2f}"
        for name, outputs in said.outputs.items()
    ]


def _as_read(content: dict[str, Any]) -> dict[str, Any]:
    """As it is when it is read from a file: without tuples."""
    return json.loads(json.dumps(content))


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (BmnasError, Interrupted) as error:
        sys.exit(f"benchmarks/evidence.py: {error}")
    except KeyboardInterrupt:
        sys.exit("benchmarks/evidence.py: stopped; the same command goes on")
