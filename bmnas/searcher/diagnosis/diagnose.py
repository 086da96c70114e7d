"""Is there room for fusion? What linear heads, and one small learner that is not linear, say before a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.events import Event
from bmnas.fit.memory import enough_memory
from bmnas.searcher.anchor import HeadData
from bmnas.searcher.api import extract, pick_device
from bmnas.searcher.config import SearchConfig
from bmnas.searcher.diagnosis.bench import Bench, Fitted
from bmnas.searcher.diagnosis.facts import facts_of, warnings_of
from bmnas.searcher.diagnosis.fits import Fits
from bmnas.searcher.diagnosis.values import Diagnosis, System
from bmnas.searcher.diagnosis.verdicts import about_fusion, about_layers, about_samples
from bmnas.searcher.run.rounds import Report
from bmnas.tasks import SPLITS, Extraction, FeatureStore, Progress, Remark, SplitName, Task, get_task, groups_of


def diagnose(
    task: Task | str,
    length: int | None = None,
    *,
    extraction: Extraction | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    report: Report | None = None,
) -> Diagnosis:
    """Say, before anything is searched, whether there is room for fusion.

    Features are extracted as for `extract`. Linear heads are fitted to them, of each feature and of several, as score
    fusion and together, and a small nonlinear learner; which is better than which is judged on held-out samples (see
    `Diagnosis`), by the rules of `bmnas.searcher.diagnosis.verdicts`. What heads read is each feature's mean over its
    positions, every channel scaled to deviation 1. Of the test split, its size, the counts of its labels and its groups
    are read, nothing else.

    Args:
        task: a task or its name.
        length: L of the networks that will use the features; the one that suits the task where it is left out.
        extraction: as for `search`.
        device: as for `search`; heads are fitted there, too.
        cache: as for `search`.
        report: called with every event of the extraction, and with what is being fitted.

    Raises:
        BmnasError: the data cannot be used, or the cache cannot be written; or a split has nothing to learn from.
    """
    task = get_task(task) if isinstance(task, str) else task
    remarks: list[str] = []

    def told(event: Event | Progress | Remark) -> None:
        if isinstance(event, Remark):
            remarks.append(event.sentence)
        if report is not None:
            report(event)

    length = length or SearchConfig.for_task(task).length
    store = extract(task, length, extraction=extraction, device=device, cache=cache, report=told)
    where = pick_device(device)
    with undisturbed(), single_precision(), enough_memory(where, "another device may have more"):
        return _diagnosis(task, store, length, where, remarks, told)


def outlook(task: Task, store: FeatureStore, length: int, device: torch.device) -> list[str]:
    """The sentences of a diagnosis by linear heads alone, and its warnings: what a search says before it begins.

    Args:
        task: to be searched on.
        store: has its features.
        length: L of the networks.
        device: where heads are fitted.
    """
    found = _diagnosis(task, store, length, device, [], lambda event: None, nonlinear=False)
    return [*found.in_brief(), *found.warnings]


def _diagnosis(
    task: Task,
    store: FeatureStore,
    length: int,
    device: torch.device,
    remarks: Sequence[str],
    report: Report,
    *,
    nonlinear: bool = True,
) -> Diagnosis:
    features = tuple(task.features)
    task = task.fitted(store.labels("train"))
    data = HeadData.of(
        store.data("train", "validation", names=[feature.name for feature in features], device=device),
        features,
        length,
    )
    groups: dict[SplitName, Tensor] = {
        split: own for split in SPLITS if (own := groups_of(task, store, split)) is not None
    }
    both = [own for split, own in groups.items() if split != "test"]
    bench = Bench.of(task, data, torch.cat(both) if len(both) == 2 else None, store.size("validation"))
    facts = facts_of(task, store, data, groups)
    fits = Fits.of(bench, features, report, nonlinear=nonlinear)
    fusion, interaction, layers = fits.fusion(), fits.interaction(), fits.layers()
    power = fits.power(store.size("test"))
    return Diagnosis(
        task=task.name,
        objective=task.objective.name,
        metric=task.metric.name,
        backbones_saw_training=task.backbones_saw_training,
        held_out=len(bench.held_out),
        heads=_systems(fits.heads),
        fusions=_systems([*fits.of_last, *fits.of_all]),
        learners=_systems([*fits.alone, *fits.learners, *fits.deep]),
        choosing=fits.choosing(),
        comparisons=tuple(each for each in (*fusion, interaction, *layers) if each is not None),
        power=tuple(power),
        data=facts,
        warnings=(*warnings_of(facts), *remarks),
        left_out=(*fits.left_out(), *_drawn(len(data.labels), store.size("train") + store.size("validation"))),
        verdicts=(
            about_fusion(fusion, interaction, fits.best_alone.system.modalities[0]),
            about_layers(layers),
            about_samples(power),
        ),
    )


def _systems(fitted: Sequence[Fitted]) -> tuple[System, ...]:
    return tuple(each.system for each in fitted)


def _drawn(used: int, there: int) -> list[str]:
    return [f"of {there:,} training and validation samples, {used:,} were drawn at random"] if used < there else []
