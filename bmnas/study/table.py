"""The table of a study: what each row scores over its seeds, and how far the one that is looked at is from it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from bmnas.evaluation.holm import holm
from bmnas.evaluation.of_seeds import apart
from bmnas.study.said import Said
from bmnas.tasks import Task


class Against(BaseModel):
    """How far the row that is looked at is from another; above 0 it is better."""

    model_config = ConfigDict(frozen=True)

    of: str = Field(description="accuracy or loss.")
    difference: float
    low: float = Field(description="Of its 95 % interval.")
    high: float
    p: float = Field(description="Two-sided.")
    corrected: float = Field(description="The same, corrected for how many rows there are (Holm).")
    smallest: float | None = Field(description="The smallest difference that so many samples can show.")


class Row(BaseModel):
    """A row of a table."""

    model_config = ConfigDict(frozen=True)

    name: str
    source: str = Field(description="What it is, and where it comes from.")
    scores: tuple[float, ...] = Field(description="By the task's metric on the test split, one for each seed.")
    mean: float | None = None
    std: float | None = None
    loss: float | None = Field(default=None, description="Of the test samples, the mean over seeds.")
    parameters: float | None = Field(default=None, description="The mean over seeds.")
    seconds: dict[str, float] = Field(default_factory=dict, description="The mean over seeds, by part.")
    against: Against | None = None
    genotypes: tuple[dict[str, Any], ...] = ()
    why_not: str | None = Field(default=None, description="Why the row is missing.")


class Table(BaseModel):
    """Rows on the same test samples."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    looked_at: str = Field(description="The row that the others are compared with.")
    rows: tuple[Row, ...]


class Study(BaseModel):
    """All tables of a study, with what they were made from."""

    model_config = ConfigDict(frozen=True)

    task: str
    metric: str
    is_share: bool = Field(description="Whether the metric is a share, to be read in percent.")
    samples: int = Field(description="Of the test split.")
    groups: int | None = Field(description="That they are of, where there are some.")
    seeds: tuple[int, ...]
    budget: str = Field(description="What the rows have in common, in words.")
    tables: tuple[Table, ...]
    command: str
    environment: dict[str, Any]


@dataclass(frozen=True)
class Named:
    """A row that is there, or why it is not.

    Attributes:
        source: what it is.
        said: what it says.
        why_not: why it says nothing.
    """

    source: str
    said: Said | None = None
    why_not: str | None = None


def table_of(
    name: str,
    title: str,
    looked_at: str,
    rows: Mapping[str, Named],
    task: Task,
    labels: Tensor,
    groups: Tensor | None,
) -> Table:
    """A table.

    Args:
        name: of the table.
        title: for people.
        looked_at: the row with which all others are compared; where it is missing, none are.
        rows: by title.
        task: gives metric and objective.
        labels: of the test samples.
        groups: of them, where there are some.
    """
    own = rows[looked_at].said if looked_at in rows else None
    found = {}
    if own is not None:
        for other, row in rows.items():
            if other != looked_at and row.said is not None:
                found[other] = apart(task, own.outputs, row.said.outputs, labels, groups)
    corrected = holm({other: each.p for other, each in found.items()})
    against = {
        other: Against(
            of=each.of,
            difference=each.mean,
            low=each.low,
            high=each.high,
            p=each.p,
            corrected=corrected[other],
            smallest=each.smallest,
        )
        for other, each in found.items()
    }
    made = [_row(title, row, task, labels, against.get(title)) for title, row in rows.items()]
    return Table(name=name, title=title, looked_at=looked_at, rows=tuple(made))


def _row(name: str, row: Named, task: Task, labels: Tensor, against: Against | None) -> Row:
    said = row.said
    if said is None:
        return Row(name=name, source=row.source, scores=(), why_not=row.why_not)
    scores = [task.metric.score(outputs, labels) for outputs in said.outputs]
    parts = {part for each in said.seconds for part in each}
    return Row(
        name=name,
        source=row.source,
        scores=tuple(scores),
        mean=statistics.fmean(scores),
        std=statistics.stdev(scores) if len(scores) > 1 else None,
        loss=statistics.fmean(float(task.loss(outputs, labels)) for outputs in said.outputs),
        parameters=statistics.fmean(said.parameters),
        seconds={
            part: round(statistics.fmean(each.get(part, 0.0) for each in said.seconds), 2)
            for part in ("search", "choice", "training")
            if part in parts
        },
        against=against,
        genotypes=tuple(said.facts.get("genotypes", ())),
    )
