"""What happens during a search, as values: the library reports them, the caller decides what is shown."""

from __future__ import annotations

import hashlib
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from bmnas.fit.events import Event
from bmnas.genotype import Genotype, dumps
from bmnas.genotype.parsing import AnyGenotype
from bmnas.genotype.stacks import StackGenotype


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
    genotype: Genotype | StackGenotype = Field(exclude=True, description="The round's genotype; genotypes/ keeps it.")
    best: bool = Field(description="No earlier round has a score as good, or this one decides.")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sha256(self) -> str:
        """Of what the genotype says, see `meaning_of`."""
        return meaning_of(self.genotype)


def meaning_of(genotype: AnyGenotype) -> str:
    """The SHA-256 of the genotype as it is written, without its provenance: it tells whether a file was changed."""
    bare = genotype.model_copy(update={"provenance": None})
    return hashlib.sha256(dumps(bare).encode()).hexdigest()


class CellMixing(BaseModel):
    """The weights with which a hypernet mixes the alternatives of one cell.

    Inputs are by name, ``x``, ``y``, ...; where they share one mixture, its name is ``all``.
    """

    model_config = ConfigDict(frozen=True)

    inputs: dict[str, dict[str, float]] = Field(description="alpha: of each input, the weight of each earlier node.")
    steps: tuple[dict[str, dict[str, float]], ...] = Field(
        description="beta: of each input of each step, the weight of each earlier node of the cell."
    )
    operations: tuple[dict[str, float], ...] = Field(description="gamma: of each step, the weight of each operation.")


class MixingDone(BaseModel):
    """What alpha, beta and gamma stand for after an epoch."""

    model_config = ConfigDict(frozen=True)

    format: Literal["bmnas-mixing/1"] = "bmnas-mixing/1"
    cells: tuple[CellMixing, ...]


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
        default=None, description="Greatest eigenvalue of the Hessian of the validation loss in alpha, beta and gamma."
    )
    mixing: MixingDone | None = Field(
        default=None, exclude=True, description="Where alpha, beta and gamma are learnt; mixing/ keeps it."
    )


class CandidateDone(RoundDone):
    """One candidate was trained by itself and scored."""

    unit: ClassVar[str] = "candidate"

    loss: float = Field(description="Mean loss of its last epoch on the training split.")


class SelectionDone(RoundDone):
    """A genotype was selected from a trained hypernet; the score is that of its network with inherited weights."""

    unit: ClassVar[str] = "selection"


class RunnerUp(RoundDone):
    """A genotype that a selection liked nearly as well as the one that it selected; the final choice tries it, too."""

    unit: ClassVar[str] = "runner-up"


class TrainingEnd(BaseModel):
    """How a training ends: settings of `TrainConfig`."""

    model_config = ConfigDict(frozen=True)

    stop_epoch: int | None = None
    temperature: float | None = None


class Tried(BaseModel):
    """One form of what was found, as the final choice has scored it."""

    model_config = ConfigDict(frozen=True)

    form: str = Field(description="As found, concatenated or wide, see `bmnas.searcher.run.forms`.")
    runner_up: int = Field(description="0 for the search's own, or the number of another.")
    loss: float = Field(description="Mean loss of the samples that were held out.")
    score: float = Field(description="By the task's metric, on the same samples.")


class ChoiceDone(RoundDone):
    """The final choice between the found network and the baselines, see `bmnas.searcher.run.choice`.

    Its genotype is the result of the search. The score is that of the samples that its trainings were not given.
    """

    unit: ClassVar[str] = "choice"

    chosen: str = Field(description="The row of the comparison that is the result.")
    losses: dict[str, float] = Field(description="By row, the mean loss of samples that were held out.")
    rival: str = Field(description="The baseline with the smallest loss.")
    difference: float = Field(description="The found network's loss less the rival's.")
    error: float = Field(description="Standard error of the difference.")
    folds: int
    form: Literal["as found", "concatenated", "wide"] = Field(
        default="as found", description="The form of what was found that was best, see `bmnas.searcher.run.forms`."
    )
    runner_up: int = Field(
        default=0, description="Which genotype the found network is: 0 for the search's own, or the number of another."
    )
    trainings_end: dict[str, TrainingEnd] = Field(
        default_factory=dict, description="By row, how its training ends best, by the samples that were held out."
    )
    tried: tuple[Tried, ...] = Field(default=(), description="All forms of what was found, trained and scored.")

    def sentence(self) -> str:
        """What was chosen and why, for people."""
        said = f"{abs(self.difference):.4f} ± {self.error:.4f}"
        than = "smaller than" if self.difference < 0 else "greater than"
        what = f"the found network's loss on held-out samples is {said} {than} that of {self.rival}"
        if self.chosen == "found network":
            return f"The result is the found network: {what}."
        noise = ", within the noise" if abs(self.difference) <= self.error else ""
        return f"The result is {self.chosen}, a baseline: {what}{noise}."


class Row(Event):
    """One row of the comparison at the end of a search: one network, trained and tested."""

    name: str
    test: float
    parameters: int
    seconds: float
    protocol: Literal["standard", "official"] = Field(
        default="standard",
        description="official: the best of all epochs on the test split; it is chosen by what it measures.",
    )


ROUNDS: dict[str, type[RoundDone]] = {
    kind.__name__: kind for kind in (EpochDone, CandidateDone, RunnerUp, SelectionDone, ChoiceDone)
}
"""The kinds of rounds, by the name that ``events.jsonl`` has for them."""
