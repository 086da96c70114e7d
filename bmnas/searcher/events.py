"""What happens during a search, as values: the library reports them, the caller decides what is shown."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from bmnas.genotype import Genotype


class Event(BaseModel):
    """Something that happened; one line of a run's ``events.jsonl``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pause(Event):
    """A strategy has done a piece of work, a step as a rule, and could be stopped here. It is not logged."""

    save: bool = Field(False, description="So much has been done since the last one that it is worth a checkpoint.")


class MicroBatch(Event):
    """Memory ran out: from now on at most so many samples of a batch are computed at once. It is not logged."""

    samples: int
    batch: int = Field(description="Samples of the batch that was too large; its gradient stays that of all of them.")


class RoundDone(Event):
    """A round of a search is over: for one seed there is a genotype and its score. A checkpoint follows.

    Attributes:
        unit: what a round is, in a word; file names begin with it.
    """

    unit: ClassVar[str]

    seed: int
    round: int = Field(description="1 for the first.")
    rounds: int | None = Field(description="How many there will be at most, where that is known.")
    score: float = Field(description="By the task's metric on the validation split.")
    trainings: int = Field(description="Networks trained from fresh weights so far; a hypernet counts as one.")
    candidates: int = Field(description="Genotypes scored on the validation split so far.")
    seconds: float = Field(description="Wall time of the round; seeds of one computation share it.")
    genotype: Genotype = Field(exclude=True, description="The round's genotype; genotypes/ keeps it.")
    best: bool = Field(description="No earlier round has a score as good, or this one decides.")


class EpochDone(RoundDone):
    """One epoch of a hypernet is over.

    The score is the hypernet's own, and the genotype is derived from it. Of gdas and random-ws, it is that of the
    genotype's network with inherited weights.
    """

    unit: ClassVar[str] = "epoch"

    loss: float = Field(description="Mean loss of the weight steps on the training split.")
    arch_loss: float | None = Field(description="Mean loss of the architecture steps on the validation split.")
    lr: float = Field(description="Step size of the weights after the epoch.")
    parameter_free: float = Field(description="Share of the derived genotype's steps whose operation has no weights.")
    sharpness: float | None = Field(
        None, description="Greatest eigenvalue of the Hessian of the validation loss in alpha, beta and gamma."
    )


class CandidateDone(RoundDone):
    """One candidate was trained by itself and scored."""

    unit: ClassVar[str] = "candidate"

    loss: float = Field(description="Mean loss of its last epoch on the training split.")


class SelectionDone(RoundDone):
    """A genotype was selected from a trained hypernet; the score is that of its network with inherited weights."""

    unit: ClassVar[str] = "selection"


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
    protocol: Literal["standard", "official"] = Field(
        "standard", description="official: the best of all epochs on the test split; it is chosen by what it measures."
    )
