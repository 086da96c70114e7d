"""The genotype: a small, complete description of a fusion network, as frozen Pydantic models.

Every reference is by name. What a person may leave out is filled in here, so that a `Genotype` in memory is always
whole (but for the channels of a feature, which a task can supply). Unknown keys are errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    WrapValidator,
    model_validator,
)

from bmnas.genotype import checks
from bmnas.genotype.lookup import find
from bmnas.genotype.names import LONGEST
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.sentences import Sentences

FORMAT: Literal["bmnas/1"] = "bmnas/1"

Name = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(checks.printable)]
Patient = WrapValidator(checks.patient)
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Size = Annotated[int, Field(strict=True, ge=1, le=65_536)]


class Frozen(Sentences):
    """A value: cannot be changed, and refuses keys it does not know; its constructor does so in one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Representation(Frozen):
    """The common shape (batch, channels, length) of every node of the fusion network."""

    channels: Size
    length: Size


class Feature(Frozen):
    """One tapped layer output of one backbone: an upper-level node A(i) or B(i) of the paper."""

    name: Name
    modality: Name
    channels: Count | None = Field(
        default=None, description="Axis 1 of the feature; a task supplies it where it is left out."
    )
    reshape: Literal["sequence", "grid", "none"] = Field(
        default="sequence",
        description="How it becomes (channels, length): pooled along its first trailing axis; pooled to a square grid; "
        "or not at all, because it already has that shape.",
    )
    scale: Literal["none", "one", "each"] = Field(
        default="none",
        description="By which statistics of the training split it is brought to mean 0 and deviation 1: each channel "
        "by its own; all channels by one deviation; or none, it stays as it is.",
    )


class Step(Frozen):
    """A lower-level node of a cell: one primitive operation on earlier nodes of the cell.

    Beside these keys it may have the options of its operation, as `MultiHeadAttention` has ``heads``.
    """

    # The keys that are allowed besides depend on the operation: `checks.step` refuses all others.
    model_config = ConfigDict(extra="allow")

    name: Name = Field(default="", description="Step_1, Step_2, ... where it is left out.")
    op: Annotated[str, Field(max_length=200)]
    inputs: tuple[Name, ...] = Field(min_length=1, max_length=64, description="Inputs of the cell, or earlier steps.")

    @property
    def options(self) -> dict[str, Any]:
        """The options of the operation, complete: those that the step leaves out have their defaults."""
        return dict(self.__pydantic_extra__ or {})

    @model_validator(mode="after")
    def _fits_its_operation(self) -> Self:
        checks.refuse(checks.step(self))
        options = find(self.op).options
        if options.model_fields:
            assert self.__pydantic_extra__ is not None
            # As JSON has them: options are written, compared and hashed; what builds the operation gets its own types.
            self.__pydantic_extra__.update(options.model_validate(self.options).model_dump(mode="json"))
        return self


class Cell(Frozen):
    """A fusion unit. Inside it its inputs are called x, y (z, ...); its output nodes are concatenated and reduced."""

    name: Name = Field(default="", description="Cell_1, Cell_2, ... where it is left out.")
    inputs: tuple[Name, ...] = Field(min_length=2, max_length=len(INPUT_NAMES), description="Features, earlier cells.")
    steps: tuple[Annotated[Step, Patient], ...] = Field(max_length=256)
    output: tuple[Name, ...] = Field(
        default=(), min_length=1, description="Any of the cell's nodes; all steps if left out."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        return filled(data, of="steps", prefix="Step")

    @model_validator(mode="after")
    def _refers_to_nodes(self) -> Self:
        checks.refuse(checks.cell(self))
        return self


class Head(Frozen):
    """The classifier or regressor at the end: a linear layer on the flattened fused representation."""

    outputs: Count


class Provenance(Frozen):
    """Who made the genotype and how it did. It never changes what the genotype means."""

    command: str | None = Field(default=None, description="The command line that makes the genotype.")
    seed: int | None = None
    data: str | None = Field(default=None, description="The task, and the fingerprint of its feature store.")
    scores: dict[str, float] = Field(default_factory=dict, description='Such as {"validation": 0.98, "test": 0.97}.')
    parameters: int | None = Field(default=None, description="Trainable parameters of the fusion network.")
    seconds: dict[str, float] = Field(
        default_factory=dict,
        description="Wall time, in seconds: of the search up to the epoch that gave the genotype; of the training.",
    )
    versions: dict[str, str] = Field(default_factory=dict)
    trained_by: str | None = Field(default=None, description="The command line that trains the network to scores.test.")
    canonical_hash: str | None = Field(
        default=None,
        max_length=64,
        description="Of the genotype that this tells of; if it differs, it was edited since.",
    )

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def filled(data: Any, *, of: str, prefix: str) -> Any:
    """``data`` with its nameless ``of`` numbered, and with all of them as its output where it names none."""
    if not isinstance(data, Mapping):
        return data
    children = data.get(of)
    if not isinstance(children, Sequence) or isinstance(children, str | bytes):
        return data
    named = [_named(child, f"{prefix}_{number}") for number, child in enumerate(children, 1)]
    filled = {**data, of: named}
    if named and "output" not in data:
        filled["output"] = [
            child["name"] if isinstance(child, Mapping) else child.name for child in named if _has_name(child)
        ]
    return filled


def _named(child: Any, name: str) -> Any:
    if isinstance(child, Mapping):
        return child if "name" in child else {"name": name, **child}
    if isinstance(child, Step | Cell) and not child.name:
        return child.model_copy(update={"name": name})
    return child


def _has_name(child: Any) -> bool:
    return isinstance(child, Step | Cell) or (isinstance(child, Mapping) and isinstance(child.get("name"), str))
