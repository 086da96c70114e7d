"""What the results of `benchmarks/evidence.py` say, as Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from evidence_systems import DELIVERED, FIXED, SEARCH
from paired import Comparison, compared, error_of_mean, spread

from bmnas.errors import BmnasError
from bmnas.evaluation.holm import holm
from bmnas.searcher.run.baselines import FOUND

Array = np.ndarray[Any, Any]

LEVEL = 0.05
BEST_BASELINE = "best baseline"
BEST_SCIKIT = "best of scikit-learn"
_SCIKIT = tuple(f"scikit-learn, {name}" for name in ("logistic", "summed", "mlp"))
# The head on everything a network could read; of tasks with one feature a modality, these are the last ones.
_HEADS = ("linear, all features", "linear, last features")


@dataclass(frozen=True, eq=False)
class Answers:
    """What a system says of the test samples of a fold.

    Attributes:
        correct: whether the label has the greatest probability, (N,).
        likelihood: its log-likelihood, (N,).
    """

    correct: Array
    likelihood: Array

    @classmethod
    def of(cls, outputs: Array, labels: Array) -> Answers:
        """Those of log-probabilities (N, classes)."""
        return cls(outputs.argmax(1) == labels, outputs[np.arange(len(labels)), labels])


@dataclass(eq=False)
class Results:
    """Of one task. A result that is the same for all seeds is that of every seed.

    Attributes:
        name: of the task.
        systems: by name, what they say with a fold and a seed.
        labels: by fold, (N,).
        groups: by fold, (N,), where samples are of groups.
        facts: by unit, fold and seed.
        versions: that made them.
        left_out: by system, why it is not there.
    """

    name: str
    systems: dict[str, dict[tuple[int, int | None], Answers]] = field(default_factory=dict)
    labels: dict[int, Array] = field(default_factory=dict)
    groups: dict[int, Array] = field(default_factory=dict)
    facts: dict[str, dict[tuple[int, int | None], Mapping[str, Any]]] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)

    @cached_property
    def folds(self) -> tuple[int, ...]:
        """Those in which as many searches are done as in any other."""
        done = Counter(fold for fold, _ in self.systems[DELIVERED])
        return tuple(sorted(fold for fold, count in done.items() if count == max(done.values())))

    def seeds(self, *systems: str) -> tuple[int | None, ...]:
        """The seeds with which all these systems have a result in every fold; `None` alone where none has any."""
        shared: set[int] | None = None
        for system in systems:
            by_fold = [{seed for fold, seed in self.systems[system] if fold == each} for each in self.folds]
            whole = set.intersection(*by_fold)
            if None in whole:
                continue
            own = {seed for seed in whole if seed is not None}
            shared = own if shared is None else shared & own
        return (None,) if shared is None else tuple(sorted(shared))

    @cached_property
    def clusters(self) -> Array | None:
        """The groups of all folds: a person who is in two of them is one person."""
        return np.concatenate([self.groups[fold] for fold in self.folds]) if self.groups else None

    def correct(self, system: str, seeds: Sequence[int | None]) -> Array:
        """Whether the samples of all folds are answered correctly, (K, N)."""
        return np.stack([np.concatenate([each.correct for each in self._of(system, seed)]) for seed in seeds])

    def likelihood(self, system: str, seeds: Sequence[int | None]) -> Array:
        """The log-likelihoods of their labels, (K, N)."""
        return np.stack([np.concatenate([each.likelihood for each in self._of(system, seed)]) for seed in seeds])

    def _of(self, system: str, seed: int | None) -> list[Answers]:
        own = self.systems[system]
        return [own[fold, seed if (fold, seed) in own else None] for fold in self.folds]

    def compared(self, one: str, other: str) -> Comparison | None:
        """How one system differs from another; ``None`` where they have no seed in common."""
        if one not in self.systems or other not in self.systems:
            return None
        seeds = self.seeds(one, other)
        if not seeds:
            return None
        pair = (one, other)
        correct, likelihood = ([of(system, seeds) for system in pair] for of in (self.correct, self.likelihood))
        return compared((correct[0], correct[1]), (likelihood[0], likelihood[1]), self.clusters)


def report(out: Path) -> str:
    """All tables of the results in a folder.

    Raises:
        BmnasError: there are none, or those of a fold are of different samples.
    """
    tasks = [results for folder in sorted(out.iterdir()) if folder.is_dir() and (results := read(folder))]
    if not tasks:
        raise BmnasError(f"{out}: has no result of a search yet")
    parts = [_task(results) for results in tasks]
    parts += [_not_below(tasks), _above(tasks), _summary(tasks)]
    versions = sorted(set().union(*(results.versions for results in tasks)))
    return "\n\n".join([*parts, *versions])


def read(folder: Path) -> Results | None:
    """The results of a task; ``None`` where no search is done."""
    results = Results(folder.name)
    for file in sorted(folder.glob("fold*/*.json")):
        _add(results, file, int(file.parent.name.removeprefix("fold")))
    if DELIVERED not in results.systems:
        return None
    for fold in results.folds:
        _add_best(results, fold)
    return results


def _add(results: Results, file: Path, fold: int) -> None:
    content = json.loads(file.read_text())
    if "left_out" in content:
        results.left_out[content["system"]] = content["left_out"]
        return
    tensors, key = safetensors.numpy.load_file(file.with_suffix(".safetensors")), (fold, content["seed"])
    if not np.array_equal(tensors["labels"], results.labels.setdefault(fold, tensors["labels"])):
        raise BmnasError(f"{file}: its test samples are not those of the other results")
    if "groups" in tensors:
        results.groups[fold] = tensors["groups"]
    for name, outputs in tensors.items():
        if name.startswith("outputs/"):
            own = results.systems.setdefault(name.removeprefix("outputs/"), {})
            own[key] = Answers.of(outputs, tensors["labels"])
    results.facts.setdefault(content["system"], {})[key] = content["facts"]
    made_by = content["versions"]
    results.versions.add(", ".join(f"{name} {version}" for name, version in made_by.items()))


def _add_best(results: Results, fold: int) -> None:
    """The best baseline and the best of scikit-learn's as systems, chosen by held-out loss, never by the test."""
    for key, facts in results.facts[SEARCH].items():
        if key[0] != fold:
            continue
        if facts["rival"]:
            results.systems.setdefault(BEST_BASELINE, {})[key] = results.systems[facts["rival"]][key]
        losses = {}
        for system in _SCIKIT:
            unit = system.removeprefix("scikit-learn, ")
            for own in (key, (fold, None)):
                if own in results.facts.get(unit, {}):
                    losses[system, own] = results.facts[unit][own]["held_out_loss"]
        if len({system for system, _ in losses}) == len(_SCIKIT):
            system, own = min(losses, key=lambda each: losses[each])
            results.systems.setdefault(BEST_SCIKIT, {})[key] = results.systems[system][own]


def _task(results: Results) -> str:
    lines = [f"## {results.name}", "", _samples(results), ""]
    lines += [
        "| system | accuracy, % | log-loss | delivered − system, points | p below | p above | McNemar | shows "
        "| log-likelihood, delivered − system |",
        "|" + "---|" * 9,
    ]
    for system in _ordered(results):
        seeds = results.seeds(system)
        if not seeds:
            continue
        cells = [_accuracy(results, system), _loss(results, system)]
        found = None if system == DELIVERED else results.compared(DELIVERED, system)
        lines.append(f"| {system} | {' | '.join(cells + _comparison(found))} |")
    notes = [f"{system} is left out: {reason}." for system, reason in results.left_out.items()]
    if unfinished := [
        system for system in results.systems if len(results.seeds(system, DELIVERED)) < len(results.seeds(DELIVERED))
    ]:
        notes.append(f"With fewer seeds than delivered, or not at all in some fold: {', '.join(unfinished)}.")
    if waiting := sorted({fold for fold, _ in results.systems[DELIVERED]} - set(results.folds)):
        notes.append(
            f"Folds that have fewer searches than the others are not counted yet: {', '.join(map(str, waiting))}."
        )
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _samples(results: Results) -> str:
    seeds = results.seeds(DELIVERED)
    samples = sum(len(results.labels[fold]) for fold in results.folds)
    said = f"{samples:,} test samples of {len(results.folds)} fold{'s' if len(results.folds) > 1 else ''}, "
    said += f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}. "
    if results.clusters is not None and (count := len(np.unique(results.clusters))) > 1:
        said += f"They are of {count} groups; p is that over samples / that over groups, "
        said += f"which is at least {0.5**count:.2g}. "
    found = results.compared(DELIVERED, BEST_BASELINE)
    shown = "no difference" if found is None or found.shown is None else f"{100 * found.shown:.1f} points"
    return f"{said}The smallest difference that they can show between delivered and the best baseline: {shown}."


def _accuracy(results: Results, system: str) -> str:
    return spread(list(100 * results.correct(system, results.seeds(system)).mean(1)), 2)


def _loss(results: Results, system: str) -> str:
    return spread(list(-results.likelihood(system, results.seeds(system)).mean(1)), 4)


def _comparison(found: Comparison | None) -> list[str]:
    if found is None:
        return [""] * 6
    accuracy, likelihood = found.accuracy, found.likelihood
    is_grouped = found.groups is not None
    return [
        f"{100 * accuracy.mean:+.2f} [{100 * accuracy.low:+.2f}, {100 * accuracy.high:+.2f}]",
        _p(found.below) + (f" / {_p(found.below_by_groups)}" if is_grouped else ""),
        _p(found.above) + (f" / {_p(found.above_by_groups)}" if is_grouped else ""),
        _p(found.mcnemar),
        "" if found.shown is None else f"{100 * found.shown:.2f}",
        f"{likelihood.mean:+.4f} [{likelihood.low:+.4f}, {likelihood.high:+.4f}]",
    ]


def _ordered(results: Results) -> list[str]:
    first = [name for name in (DELIVERED, FOUND, BEST_BASELINE, BEST_SCIKIT) if name in results.systems]
    rows = [name for name in results.systems if name not in first]
    own = {name for facts in results.facts[SEARCH].values() for name in facts["losses"]}
    return first + sorted(rows, key=lambda name: (name not in own and not name.endswith(" alone"), name in _SCIKIT))


def _not_below(tasks: Sequence[Results]) -> str:
    """Claim (a)."""
    rivals = (BEST_BASELINE, *_SCIKIT)
    found = {
        (results.name, rival): comparison
        for results in tasks
        for rival in rivals
        if (comparison := results.compared(DELIVERED, rival))
    }
    corrected = holm({key: each.hardest_below for key, each in found.items()})
    lines = [
        "## (a) Delivered is nowhere significantly below the best baseline, or any of scikit-learn's",
        "",
        f"{len(found)} comparisons; of p over samples and over groups the smaller. Without correction "
        f"{_below(key for key, each in found.items() if each.hardest_below <= LEVEL)}; with Holm's "
        f"{_below(key for key, p in corrected.items() if p <= LEVEL)}.",
        "",
        "| task | against | points | p below | with Holm |",
        "|" + "---|" * 5,
    ]
    for (task, rival), each in sorted(found.items(), key=lambda item: item[1].hardest_below):
        cells = (f"{100 * each.accuracy.mean:+.2f}", _p(each.hardest_below), _p(corrected[task, rival]))
        lines.append(f"| {task} | {rival} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _below(keys: Iterable[tuple[str, str]]) -> str:
    found = [f"{task} against {rival}" for task, rival in keys]
    return f"below in {len(found)} ({'; '.join(found)})" if found else "below in none"


def _above(tasks: Sequence[Results]) -> str:
    """Claim (b)."""
    found: dict[tuple[str, str, str], Comparison] = {}
    for results in tasks:
        heads = next((name for name in _HEADS if name in results.systems), _HEADS[0])
        for one in (DELIVERED, FOUND):
            for rival in (*FIXED, heads, "random search"):
                if comparison := results.compared(one, rival):
                    found[results.name, one, rival] = comparison
    corrected = holm({key: each.hardest_above for key, each in found.items()})
    rivals = list(dict.fromkeys(rival for _, _, rival in found))
    lines = [
        "## (b) Delivered, and found, are above fixed fusions, the head on all features, and random search",
        "",
        f"{len(found)} comparisons; of p over samples and over groups the greater. Points; in bold where Holm's p is "
        f"at most {LEVEL}, in brackets where so few groups can show nothing.",
        "",
        f"| task | system | {' | '.join(rivals)} |",
        "|" + "---|" * (len(rivals) + 2),
    ]
    for results in tasks:
        for one in (DELIVERED, FOUND):
            cells = [
                _points(found.get((results.name, one, rival)), corrected.get((results.name, one, rival)))
                for rival in rivals
            ]
            lines.append(f"| {results.name} | {one} | {' | '.join(cells)} |")
    for one in (DELIVERED, FOUND):
        cells = [_tally(found, corrected, one, rival) for rival in rivals]
        lines.append(f"| above in | {one} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _points(each: Comparison | None, corrected: float | None) -> str:
    if each is None or corrected is None:
        return ""
    said = f"{100 * each.accuracy.mean:+.2f}"
    if each.least > LEVEL:
        return f"({said})"
    return f"**{said}**" if corrected <= LEVEL else said


def _tally(
    found: Mapping[tuple[str, str, str], Comparison],
    corrected: Mapping[tuple[str, str, str], float],
    one: str,
    rival: str,
) -> str:
    own = [key for key in found if key[1:] == (one, rival)]
    return f"{sum(corrected[key] <= LEVEL for key in own)} of {len(own)}"


def _summary(tasks: Sequence[Results]) -> str:
    lines = [
        "## All tasks",
        "",
        "The best baseline, and the best of scikit-learn's three, are those with the smallest loss on held-out "
        "samples: in the folds of the final choice, and on the validation split. In brackets the best of "
        "scikit-learn's by the test, which no one could have chosen.",
        "",
        "| task | delivered | found | best baseline | best of scikit-learn | what is delivered "
        "| search, s | choice, s | all, s |",
        "|" + "---|" * 9,
    ]
    for results in tasks:
        searches = [facts for (fold, _), facts in results.facts[SEARCH].items() if fold in results.folds]
        rows = ", ".join(
            f"{name} {count}" for name, count in Counter(facts["chosen"] for facts in searches).most_common()
        )
        seconds = [[facts["seconds"][part] for facts in searches] for part in ("search", "choice")]
        seconds.append([sum(facts["seconds"].values()) for facts in searches])
        scores = [_accuracy(results, name) if _has(results, name) else "" for name in (DELIVERED, FOUND, BEST_BASELINE)]
        scores.append(_scikit(results))
        cells = [*scores, rows, *(spread(each, 0) for each in seconds)]
        lines.append(f"| {results.name} | {' | '.join(cells)} |")
    for rival in (BEST_BASELINE, BEST_SCIKIT):
        found = [100 * each.accuracy.mean for results in tasks if (each := results.compared(DELIVERED, rival))]
        if found:
            said = f"{np.mean(found):+.2f} points"
            if len(found) > 1:
                said += f", standard error {error_of_mean(found):.2f} of {len(found)} tasks"
            lines += ["", f"Delivered − {rival}, mean over tasks: {said}."]
    return "\n".join(lines)


def _scikit(results: Results) -> str:
    if not _has(results, BEST_SCIKIT):
        return ""
    best = max(results.correct(name, results.seeds(name)).mean() for name in _SCIKIT if _has(results, name))
    return f"{_accuracy(results, BEST_SCIKIT)} ({100 * best:.2f})"


def _has(results: Results, system: str) -> bool:
    return system in results.systems and bool(results.seeds(system))


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"
