"""What a diagnosis says, as values. `bmnas.diagnose` makes them; their JSON reads back as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bmnas.searcher.markup import paragraphs, table

Question = Literal["fusion", "intermediate layers", "samples"]
Answer = Literal["yes", "not shown", "no", "does not apply"]


class Value(BaseModel):
    """A frozen value."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Score(Value):
    """How good outputs are on some samples.

    Attributes:
        score: by the task's metric.
        loss: mean over the samples, by the task's objective.
    """

    score: float
    loss: float


class System(Value):
    """Something that was fitted to features, and what it is worth.

    Attributes:
        name: as it is shown.
        kind: the linear head of one feature; heads of several whose outputs are added up; or something nonlinear.
        features: what it reads.
        modalities: whose features these are.
        penalty: on the weights of linear heads, chosen by held-out samples.
        training: fitted to the training split, on that split.
        validation: fitted to the training split, on the validation split.
        held_out: on held-out samples (see `Diagnosis`), each by what was fitted without it.
    """

    name: str
    kind: Literal["head", "sum", "nonlinear"]
    features: tuple[str, ...]
    modalities: tuple[str, ...]
    penalty: float | None = None
    training: Score | None = None
    validation: Score | None = None
    held_out: Score


class Comparison(Value):
    """One system against another on the same held-out samples.

    Attributes:
        system: which.
        baseline: against which.
        gain: how much smaller its mean loss is.
        error: the standard error of the gain, from differences sample by sample (or group by group).
        p: one-sided, of a gain as great as this if there were none.
        accuracy: by how much its accuracy is greater; ``None`` where a sample has no single class.
        discordant: the share of samples that exactly one of the two gets right; ``None`` likewise.
    """

    system: str
    baseline: str
    gain: float
    error: float
    p: float
    accuracy: float | None = None
    discordant: float | None = None


class Choosing(Value):
    """What choosing between modalities could give, by the heads of their last features on held-out samples.

    Attributes:
        oracle: the share of samples that at least one of them gets right.
        by_chance: what that share would be if they erred independently of each other.
        disagreement: the share of samples of which they do not all say the same.
        best: the accuracy of the best of them.
    """

    oracle: float
    by_chance: float
    disagreement: float
    best: float


class Power(Value):
    """What the test split can show of the difference between two systems, two-sided at 5 %, with a power of 80 %.

    Attributes:
        system: the one of the smaller loss.
        baseline: the other.
        measure: in which differences are.
        samples: of the test split.
        observed: the difference on held-out samples.
        smallest: the smallest that the test split can show; ``None`` where it can show none.
    """

    system: str
    baseline: str
    measure: Literal["accuracy", "loss"]
    samples: int
    observed: float
    smallest: float | None


class Repeated(Value):
    """Samples whose features are the same to the last bit.

    Attributes:
        training: of the training split, how many repeat an earlier one with its label.
        validation: of the validation split, likewise.
        between: of the validation split, how many repeat one of the training split with its label.
        otherwise_labelled: of both, how many have features that another sample with another label has too.
    """

    training: int
    validation: int
    between: int
    otherwise_labelled: int


class Channels(Value):
    """The channels of a feature over training and validation samples.

    Attributes:
        count: how many there are.
        constant: how many of them never change.
        smallest: deviation of the channel that changes least, constant ones aside; 0 where all are constant.
        largest: deviation of the channel that changes most.
    """

    count: int
    constant: int
    smallest: float
    largest: float


class DataFacts(Value):
    """What the data are.

    Attributes:
        samples: by split.
        outputs: classes, or numbers of a regression.
        few: classes with one to four training samples.
        missing: by split, classes without a sample; nothing for a regression.
        repeated: samples that are there more than once.
        channels: by feature.
        groups: by split, how many groups its samples are of; empty where they are independent.
        shared_groups: by two splits, how many groups both have.
    """

    samples: Mapping[str, int]
    outputs: int
    few: tuple[int, ...] = ()
    missing: Mapping[str, tuple[int, ...]] = Field(default_factory=dict)
    repeated: Repeated
    channels: Mapping[str, Channels]
    groups: Mapping[str, int] = Field(default_factory=dict)
    shared_groups: Mapping[str, int] = Field(default_factory=dict)


class Verdict(Value):
    """The answer to one question, and the sentence that gives it with its numbers."""

    question: Question
    answer: Answer
    sentence: str


class Diagnosis(Value):
    """What is known of a task before anything is searched.

    Held-out samples are those of the training and the validation split in cross-validation, or of the validation split
    alone where backbones were trained on the training split. Comparisons and verdicts are of them.

    Attributes:
        task: its name.
        objective: the kind of labels.
        metric: of the scores.
        backbones_saw_training: whether scores on the training split flatter.
        held_out: how many samples were held out.
        heads: of each feature by itself, in the task's order.
        fusions: the last features as score fusion and together, all features likewise; none of one feature.
        learners: small nonlinear ones: of each last feature, of these together, of these one by one, of all features.
        choosing: between modalities; ``None`` where there is one, or samples have no single class.
        comparisons: that the verdicts follow from.
        power: of the test split.
        data: what they are.
        warnings: what is probably a mistake, in sentences.
        left_out: what does not apply here, in sentences.
        verdicts: is there room for fusion, for intermediate layers, are there samples enough.
    """

    task: str
    objective: str
    metric: str
    backbones_saw_training: bool
    held_out: int
    heads: tuple[System, ...]
    fusions: tuple[System, ...]
    learners: tuple[System, ...]
    choosing: Choosing | None
    comparisons: tuple[Comparison, ...]
    power: tuple[Power, ...]
    data: DataFacts
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    def __repr__(self) -> str:
        return f"<Diagnosis of {self.task}: {', '.join(f'{each.question}: {each.answer}' for each in self.verdicts)}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """For notebooks: the systems, the verdicts and the warnings."""
        systems = [
            (each.name, f"{each.held_out.score:.4f}", f"{each.held_out.loss:.4f}")
            for each in (*self.heads, *self.fusions, *self.learners)
        ]
        title = f"{self.task}: {self.held_out:,} held-out samples"
        shown = table(("system", self.metric, "loss"), systems, title)
        return shown + paragraphs([*self.in_brief(), *self.warnings, *self.left_out])

    def in_brief(self) -> list[str]:
        """The verdicts, one line each."""
        return [verdict.sentence for verdict in self.verdicts]
