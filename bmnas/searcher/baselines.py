"""What a found network is compared with: each modality alone, and late fusion of the last features.

They are genotypes like any other, without cells, so they are compiled and trained by the same code.
"""

from __future__ import annotations

from bmnas.genotype import Feature, Genotype, Head, Representation
from bmnas.searcher.config import SearchConfig
from bmnas.tasks import Task


def baselines(task: Task, config: SearchConfig) -> dict[str, Genotype]:
    """Row title -> genotype. The last feature of a modality is its deepest."""
    last = {feature.modality: feature for feature in task.features}
    rows = {f"{modality} alone": _concatenated([feature], task, config) for modality, feature in last.items()}
    return {**rows, "late fusion": _concatenated(list(last.values()), task, config)}


def _concatenated(features: list[Feature], task: Task, config: SearchConfig) -> Genotype:
    names = tuple(feature.name for feature in features)
    return Genotype(
        name=" + ".join(names),
        representation=Representation(channels=config.channels, length=config.length),
        features=tuple(features),
        cells=(),
        output=names,
        head=Head(outputs=task.outputs),
        dropout=config.dropout,
    )
