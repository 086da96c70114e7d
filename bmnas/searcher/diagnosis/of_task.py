"""The diagnosis of a task whose features are there: heads and sums of them, small nonlinear learners, verdicts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bmnas.searcher.anchor import HeadData
from bmnas.searcher.diagnosis.bench import Bench, Fitted
from bmnas.searcher.diagnosis.facts import facts_of, warnings_of
from bmnas.searcher.diagnosis.fits import Fits
from bmnas.searcher.diagnosis.values import Diagnosis, System
from bmnas.searcher.diagnosis.verdicts import about_fusion, about_layers, about_samples
from bmnas.tasks import SPLITS, FeatureStore, Report, SplitName, Task, groups_of


def diagnosis_of(
    task: Task,
    store: FeatureStore,
    length: int,
    device: torch.device,
    remarks: Sequence[str],
    report: Report,
    *,
    nonlinear: bool = True,
) -> Diagnosis:
    """Fit and compare what `bmnas.diagnose` says; its arguments are given here as they are there.

    Args:
        task: whose features are diagnosed.
        store: has them.
        length: L of the networks that will use them.
        device: where heads are fitted.
        remarks: what was said of the features before.
        report: called with what is being fitted.
        nonlinear: whether the nonlinear learners are a part of it.
    """
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


def outlook(task: Task, store: FeatureStore, length: int, device: torch.device, report: Report) -> list[str]:
    """The sentences of a diagnosis by linear heads alone, and its warnings: what a search says before it begins.

    Args:
        task: to be searched on.
        store: has its features.
        length: L of the networks.
        device: where heads are fitted.
        report: called with what is being fitted.
    """
    found = diagnosis_of(task, store, length, device, [], report, nonlinear=False)
    return [*found.in_brief(), *found.warnings]


def _systems(fitted: Sequence[Fitted]) -> tuple[System, ...]:
    return tuple(each.system for each in fitted)


def _drawn(used: int, there: int) -> list[str]:
    return [f"of {there:,} training and validation samples, {used:,} were drawn at random"] if used < there else []
