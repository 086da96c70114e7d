"""What searches with several seeds have in common: mean and deviation of each row, how often choices were made."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bmnas.genotype import Genotype
from bmnas.genotype.graph import used_cells, used_steps
from bmnas.searcher.events import Row


class Spread(BaseModel):
    """Mean and standard deviation (of the sample; 0 of a single value)."""

    model_config = ConfigDict(frozen=True)

    mean: float
    std: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(mean=statistics.fmean(values), std=statistics.stdev(values) if len(values) > 1 else 0.0)


class RowSummary(BaseModel):
    """One row of the comparison, over the seeds."""

    model_config = ConfigDict(frozen=True)

    test: Spread
    parameters: float
    seconds: float


class Summary(BaseModel):
    """Of a search with one or more seeds; ``summary.json``."""

    model_config = ConfigDict(frozen=True)

    seeds: tuple[int, ...]
    best: int | None = Field(description="The seed whose genotype is the best on validation, where that is known.")
    validation: Spread = Field(description="The score of each seed's genotype on validation.")
    rows: dict[str, RowSummary]
    features: dict[str, int] = Field(description="In how many of the genotypes a feature is used.")
    operations: dict[str, int] = Field(description="How many steps of all genotypes have an operation.")


def summary_of(
    seeds: Sequence[int],
    genotypes: Sequence[Genotype],
    scores: Sequence[float],
    rows: Sequence[Sequence[Row]],
    best: int | None = None,
) -> Summary:
    """The summary of what each seed found: its genotype, its validation score, its rows (all the same names)."""
    named = {row.name: [each for own in rows for each in own if each.name == row.name] for row in rows[0]}
    features: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    for genotype in genotypes:
        cells = [cell for cell in genotype.cells if cell.name in used_cells(genotype)]
        read = {name for cell in cells for name in cell.inputs}
        features.update(feature.name for feature in genotype.features if feature.name in read)
        operations.update(step.op for cell in cells for step in cell.steps if step.name in used_steps(cell))
    return Summary(
        seeds=tuple(seeds),
        best=best,
        validation=Spread.of(scores),
        rows={
            name: RowSummary(
                test=Spread.of([row.test for row in own]),
                parameters=statistics.fmean(row.parameters for row in own),
                seconds=statistics.fmean(row.seconds for row in own),
            )
            for name, own in named.items()
        },
        features=dict(features.most_common()),
        operations=dict(operations.most_common()),
    )


def seconds_of(history: Sequence[dict[str, Any]]) -> float:
    """Wall time of all rounds; seeds that are searched as one computation share their rounds."""
    shared: dict[object, float] = {}
    for entry in history:
        own = entry["seed"] if entry["event"] == "CandidateDone" else None
        shared[entry["event"], entry["round"], own] = entry["seconds"]
    return sum(shared.values())
