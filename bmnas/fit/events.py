"""What happens while a network is trained, as values: the library reports them, the caller decides what is shown."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Event(BaseModel):
    """Something that happened; a run's ``events.jsonl`` has them as lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pause(Event):
    """A strategy has done a piece of work, a step as a rule, and could be stopped here. It is not logged."""

    save: bool = Field(
        default=False, description="So much has been done since the last one that it is worth a checkpoint."
    )


class MicroBatch(Event):
    """Memory ran out: from now on at most so many samples of a batch are computed at once. It is not logged."""

    samples: int
    batch: int = Field(description="Samples of the batch that was too large; its gradient stays that of all of them.")


class EpochEnd(Event):
    """One epoch of a training is over. It is not logged."""

    epoch: int = Field(description="1 for the first.")
    losses: dict[str, Any] = Field(description="By phase, its mean loss; a list where several networks are one.")


class TrainingEpochDone(Event):
    """One epoch of the training of a fusion network is over."""

    name: str
    epoch: int
    epochs: int
    loss: float
