"""Trainings in which samples lose modalities, so that a network is of use where some are missing later."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from bmnas.fit.seeding import stream
from bmnas.fit.settings import Optimisation
from bmnas.genotype import Feature, Genotype
from bmnas.genotype.graph import used_features
from bmnas.tasks import FeatureStore, Samples
from bmnas.tasks.missing import ModalityDropout, averages


def losing(
    genotype: Genotype, store: FeatureStore, settings: Optimisation, device: torch.device, seed: int, *names: object
) -> Callable[[Samples, int, int], Samples] | None:
    """What `bmnas.searcher.network_fit.network_fit` does to a batch before it is trained on.

    What the samples of a step lose depends on the seed, the names, and the place of the step alone, so a training that
    was stopped goes on as if it had not, and a batch that is divided loses the same.

    Args:
        genotype: whose network is trained.
        store: see `modality_dropout`.
        settings: see there.
        device: see there.
        seed: of the training.
        names: of the training.
    """
    drop = modality_dropout([genotype.feature(name) for name in used_features(genotype)], store, settings, device)
    if drop is None:
        return None
    return lambda batch, *place: drop(batch, stream(seed, "modality dropout", *names, *place))


def modality_dropout(
    features: Iterable[Feature], store: FeatureStore, settings: Optimisation, device: torch.device
) -> ModalityDropout | None:
    """What lets samples lose modalities; ``None`` where the settings want none lost, or one modality alone is read.

    Args:
        features: that are read.
        store: has the training split, whose averages stand for what is lost, whatever is trained on.
        settings: say how likely that is.
        device: where batches are.
    """
    modalities = {feature.name: feature.modality for feature in features}
    if not settings.modality_dropout or len(set(modalities.values())) < 2:
        return None
    means = averages(store.data("train", names=list(modalities), device=device))
    return ModalityDropout(settings.modality_dropout, modalities, {name: each.mean for name, each in means.items()})
