"""What an evaluation and a comparison say, as values; their JSON reads back as they were.

A number that does not exist is ``None``, and beside it stands why: never a NaN, a zero or a warning.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Measured(_Value):
    """One measure of outputs."""

    name: str
    value: float | None = Field(description="None where it is undefined.")
    low: float | None = Field(default=None, description="Where the interval begins; None where there is none.")
    high: float | None = Field(default=None, description="Where it ends.")
    higher_is_better: bool = True
    is_share: bool = Field(default=False, description="A share of samples or answers, which people read in percent.")
    why: str = Field(default="", description="Why it is undefined.")


class ClassScores(_Value):
    """One class: of single-label and multi-label outputs."""

    name: str
    support: int = Field(description="Samples that have it as label.")
    answers: int = Field(description="Samples for which it is the answer, or one of them.")
    precision: float | None = Field(description="Of its answers, those that are right; undefined without answers.")
    recall: float | None = Field(description="Of its samples, those that have it as answer; undefined without samples.")
    f1: float | None = Field(description="Undefined without both.")


class OutputErrors(_Value):
    """One output of a regression, in its own unit."""

    name: str
    mae: float
    rmse: float
    r2: float | None = Field(description="Undefined where all labels are the same.")


class Evaluation(_Value):
    """How good outputs are, by `bmnas.evaluate`."""

    objective: str = Field(description="The kind of labels: single-label, multi-label or regression.")
    samples: int
    groups: int | None = Field(description="How many groups the samples are of; None where they are independent.")
    measures: tuple[Measured, ...]
    classes: tuple[ClassScores, ...] = Field(default=(), description="In their order; none of a regression.")
    confusion: tuple[tuple[int, ...], ...] | None = Field(
        default=None, description="Single label: samples by their label (row) and by their answer (column)."
    )
    errors: tuple[OutputErrors, ...] = Field(default=(), description="Of a regression, output by output.")
    one_sample: float | None = Field(description="What one sample is worth in a share of samples: 1 / samples.")
    remarks: tuple[str, ...] = Field(default=(), description="What one has to know of the numbers, in sentences.")
    level: float = Field(description="Of the intervals.")
    resamples: int = Field(description="How many samples of samples the intervals come from.")
    seed: int = Field(description="Of the resampling.")

    def __getitem__(self, name: str) -> Measured:
        """The measure of that name.

        Raises:
            KeyError: there is none.
        """
        for measured in self.measures:
            if measured.name == name:
                return measured
        raise KeyError(name)


class Difference(_Value):
    """How far one set of outputs is from the other by one measure: that of the first less that of the second."""

    name: str
    one: float | None
    other: float | None
    difference: float | None = Field(description="None where either is undefined.")
    low: float | None = None
    high: float | None = None
    p: float | None = Field(default=None, description="Two-sided: how likely such a difference is, if there is none.")
    test: str = Field(default="", description="What gave p: McNemar, sign flips of groups, or paired bootstrap.")
    smallest: float | None = Field(
        default=None,
        description="The smallest difference that so many samples show, at 5 % and with a power of 80 %; None where no "
        "difference could be shown.",
    )
    higher_is_better: bool = True
    is_share: bool = False


class Comparison(_Value):
    """How two sets of outputs of the same samples differ, by `bmnas.evaluation.compare`."""

    one: str = Field(description="What the first is called.")
    other: str
    samples: int
    groups: int | None
    differences: tuple[Difference, ...]
    only_one: int | None = Field(description="Single label: samples that only the first answers right.")
    only_other: int | None = Field(description="Likewise the second.")
    remarks: tuple[str, ...] = ()
    level: float
    resamples: int
    seed: int

    def __getitem__(self, name: str) -> Difference:
        """The difference by the measure of that name.

        Raises:
            KeyError: there is none.
        """
        for difference in self.differences:
            if difference.name == name:
                return difference
        raise KeyError(name)
