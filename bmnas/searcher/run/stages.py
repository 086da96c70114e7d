"""The phases of a search, from the first backbone to the last training, with what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bmnas.searcher.outline import BACKBONE, NETWORK, SMALL_SPLIT, Outline, Stage
from bmnas.searcher.problem import Problem
from bmnas.searcher.run.baselines import Baseline, is_heads
from bmnas.searcher.strategies import Strategy
from bmnas.tasks import Extraction, Task


def preparation_of(task: Task, extraction: Extraction, then: str) -> Outline:
    """Backbones, and the extraction of features; what the cache has is passed by.

    Args:
        task: whose.
        extraction: how features are extracted.
        then: what comes after that; nothing if empty.
    """
    own = task.tapped_modalities
    found = [Stage(phase=f"backbone {modality}", kind="backbone", cost=BACKBONE) for modality in own]
    views = ["", *(f", view {number}" for number in range(2, extraction.views + 1))]
    costs = {**{f"train{view}": 1.0 for view in views}, "validation": SMALL_SPLIT, "test": SMALL_SPLIT}
    found += [
        Stage(phase=f"features {name}", kind="features", cost=cost * max(1, len(own))) for name, cost in costs.items()
    ]
    return Outline(stages=tuple(found), then=then)


def outline_of(strategy: Strategy, epochs: int, evaluate: bool) -> Outline:
    """All of them, before it is known what is found. Of a strategy that tells no phases, none.

    Args:
        strategy: searches.
        epochs: of each training at the end.
        evaluate: whether there are any.
    """
    found, problem = list(strategy.stages), strategy.problem
    if not found or not evaluate:
        return Outline(stages=tuple(found))
    seeds, config = problem.seeds, problem.config
    # Late fusion, and in an anchored search two that are fully connected; and what was found, in one form or three.
    others, forms = (3, 3) if problem.anchor else (1, 1)
    if config.select_budget:
        tried = max(config.select_budget, 2 * (others + forms + config.tried))
        found += [choice_stage(phase_of("final choice", seeds, seed), tried * epochs, problem) for seed in seeds]
    found += [_training(phase_of("late fusion", seeds, seed), (others + 1) * epochs, problem) for seed in seeds]
    return Outline(stages=tuple(found))


def choice_stage(phase: str, epochs: int, problem: Problem) -> Stage:
    """A final choice, whose trainings have so many epochs together; about a third of the samples is held out."""
    return Stage(phase=phase, kind="network", cost=NETWORK * epochs * _samples(problem) * 2 / 3)


def rows_outline(rows: Mapping[str, Baseline], epochs: int, seed: int, problem: Problem) -> Outline:
    """The trainings of the comparison of a seed."""
    return Outline(stages=tuple(_rows(rows, epochs, seed, problem)))


def phase_of(phase: str, seeds: Iterable[int], seed: int) -> str:
    """A phase, or a training, that each seed has for itself."""
    return phase if len(list(seeds)) == 1 else f"{phase}, seed {seed}"


def _rows(rows: Mapping[str, Baseline], epochs: int, seed: int, problem: Problem) -> Iterator[Stage]:
    for name, row in rows.items():
        genotype, stop = row.genotype, row.training.get("stop_epoch")
        own = 0 if is_heads(genotype) else epochs if stop is None else min(stop, epochs)
        yield _training(phase_of(name, problem.seeds, seed), own * genotype.members, problem)


def _training(title: str, epochs: int, problem: Problem) -> Stage:
    return Stage(phase=f"training of {title}", kind="network", cost=NETWORK * epochs * _samples(problem))


def _samples(problem: Problem) -> int:
    return len(problem.train) + len(problem.validation)
