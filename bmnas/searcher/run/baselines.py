"""What a found network is compared with: each modality alone, and late fusion of the last features.

They are genotypes like any other, without cells, so they are compiled and trained by the same code.
"""

from __future__ import annotations

from bmnas.genotype import Feature, Genotype
from bmnas.genotype.presets import last_features, late_fusion
from bmnas.searcher.settings import SearchSettings
from bmnas.tasks import Task


def baselines(task: Task, config: SearchSettings) -> dict[str, Genotype]:
    """Row title -> genotype. The last feature of a modality is its deepest."""
    last = last_features(task.features)
    rows = {f"{feature.modality} alone": _concatenated([feature], task, config) for feature in last}
    return {**rows, "late fusion": _concatenated(list(last), task, config)}


def _concatenated(features: list[Feature], task: Task, config: SearchSettings) -> Genotype:
    frame = {"channels": config.channels, "length": config.length, "outputs": task.outputs, "dropout": config.dropout}
    name = " + ".join(feature.name for feature in features)
    return late_fusion(features, **frame).model_copy(update={"name": name})
