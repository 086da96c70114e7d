"""What happens during a search, as values: the library reports them, the caller decides what is shown."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bmnas.genotype import Genotype


class Event(BaseModel):
    """Something that happened; one line of a run's ``events.jsonl``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EpochDone(Event):
    """One epoch of a search is over."""

    epoch: int = Field(description="1 for the first.")
    epochs: int
    loss: float = Field(description="Mean loss of the weight steps on the training split.")
    arch_loss: float = Field(description="Mean loss of the architecture steps on the validation split.")
    score: float = Field(description="The hypernet's score on the validation split, in eval mode.")
    lr: float = Field(description="Step size of the weights after the epoch.")
    seconds: float = Field(description="Wall time of the epoch.")
    genotype: Genotype = Field(exclude=True, description="Derived after the epoch; genotypes/ keeps it.")
    best: bool = Field(description="No earlier epoch has a score as good.")


class TrainingEpochDone(Event):
    """One epoch of the training of a fusion network is over."""

    name: str
    epoch: int
    epochs: int
    loss: float


class Row(Event):
    """One row of the comparison at the end of a search: one network, trained and tested."""

    name: str
    test: float
    parameters: int
    seconds: float
