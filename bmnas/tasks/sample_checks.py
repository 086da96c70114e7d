"""Samples of a batch that cannot be used, because of a label or a feature, told apart from the others."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.tasks.loading import Bad, Loaded, named
from bmnas.tasks.task import SampleSource, Split, Task


def with_checked_labels(task: Task, source: Split | SampleSource, loaded: Loaded) -> Loaded:
    """The batch with labels in the objective's type; samples whose label cannot be one are bad."""
    bad = list(loaded.bad)
    batch, kept = loaded.batch, loaded.kept
    while batch is not None:
        labels = task.objective.cast(batch.labels)
        found = task.objective.problem(labels, task.outputs)
        if found is None:
            return Loaded(replace(batch, labels=labels), kept, bad, loaded.stop)
        place, what = found
        bad.append(Bad(kept[place], named(source, kept[place], f"its label {what}")))
        batch, kept = _without(batch, kept, {place})
    return Loaded(None, [], bad, loaded.stop)


def check_lengths(feature: Feature, live: Tensor, lengths: Tensor) -> None:
    """Refuse lengths (B,) that cannot be those of a live feature (B, C, T, ...).

    Raises:
        BmnasError: the feature is no sequence, or a length is no number of its positions.
    """
    what = f"feature {feature.name!r} has lengths"
    if feature.reshape != "sequence" or live.dim() < 3:
        raise BmnasError(f"{what}, but is no sequence: reshape {feature.reshape!r} and shape {tuple(live.shape)}")
    if lengths.shape != live.shape[:1] or lengths.is_floating_point():
        raise BmnasError(f"{what} {lengths.dtype} of shape {tuple(lengths.shape)}, not {len(live)} whole numbers")
    wrong = (lengths < 1) | (lengths > live.shape[2])
    if wrong.any():
        raise BmnasError(f"{what} of {int(lengths[wrong][0])} positions, but a sample has 1 to {live.shape[2]}")


def with_finite_features(
    source: Split | SampleSource, loaded: Loaded, features: dict[str, Tensor]
) -> tuple[Loaded, dict[str, Tensor]]:
    """The batch without the samples of which a feature is not a number."""
    bad: dict[int, Bad] = {}
    for name, feature in features.items():
        if torch.isfinite(feature).all():
            continue
        for place in (~torch.isfinite(feature.flatten(1)).all(dim=1)).nonzero().flatten().tolist():
            index = loaded.kept[place]
            what = "a NaN" if feature[place].isnan().any() else _too_large(feature)
            bad.setdefault(place, Bad(index, named(source, index, f"feature {name!r} has {what}")))
    if not bad or loaded.batch is None:
        return loaded, features
    places = torch.tensor([place for place in range(len(loaded.kept)) if place not in bad], dtype=torch.int64)
    batch, kept = _without(loaded.batch, loaded.kept, set(bad))
    every = sorted([*loaded.bad, *bad.values()], key=lambda one: one.index)
    rest = {name: feature[places] for name, feature in features.items()}
    return Loaded(batch, kept, every, loaded.stop), rest


def _too_large(feature: Tensor) -> str:
    if feature.dtype == torch.float16:
        return "a number that float16 cannot hold; --precision bfloat16 or float32 can"
    return "an infinite number"


def _without(batch: Split, kept: list[int], places: set[int]) -> tuple[Split | None, list[int]]:
    rest = [place for place in range(len(kept)) if place not in places]
    if not rest:
        return None, []
    return batch[torch.tensor(rest)], [kept[place] for place in rest]
