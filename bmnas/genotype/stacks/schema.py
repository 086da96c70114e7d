"""The parts of the genotype of an encoder-decoder network: inputs, blocks, stacks and the head, as frozen values.

The second kind of genotype; the first, `bmnas.Genotype`, is a fusion network. Every reference is by name, and blocks
are named by their place. What a person may leave out is filled in here. Unknown keys are errors.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_serializer, model_validator

from bmnas.genotype.checks import refuse
from bmnas.genotype.schema import Count, Frozen, Name, Patient, Size
from bmnas.genotype.stacks import checks
from bmnas.genotype.stacks.operations import BLOCKS

KIND: Literal["encoder-decoder"] = "encoder-decoder"

Dialect = Literal["official", "openvqa", "signed"]
HeadTask = Literal["answer", "match", "ground"]


class SequenceInput(Frozen):
    """One input: a text as the numbers of its words, or a sequence of vectors such as the regions of an image."""

    name: Name
    modality: Name
    length: Size = Field(description="How many positions it has at most; a network takes shorter ones, too.")
    tokens: Size | None = Field(
        default=None,
        description="Of a text: the numbers of a word vector. The input is then of whole numbers, 0 padding.",
    )
    vocabulary: Count | None = Field(
        default=None, description="Of a text: how many numbers words have, 0 included; a task supplies it if left out."
    )
    channels: Count | None = Field(
        default=None, description="Of vectors: their numbers; a task supplies them if left out. Zeros are padding."
    )
    boxes: bool = Field(
        default=False, strict=True, description="Whether each vector has a box: a second input NAME.boxes."
    )

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        refuse(checks.sequence_input(self))
        return self


class Block(Frozen):
    """One operation of a stack, with its options beside its name; a file may say the name alone."""

    # The keys that are allowed besides depend on the operation: `checks.block` refuses all others.
    model_config = ConfigDict(extra="allow")

    op: Annotated[str, Field(max_length=200)]

    @property
    def options(self) -> dict[str, Any]:
        """The options of the operation, complete."""
        return dict(self.__pydantic_extra__ or {})

    @model_validator(mode="before")
    @classmethod
    def _from_a_name(cls, data: Any) -> Any:
        return {"op": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _fits_its_operation(self) -> Self:
        refuse(checks.block(self))
        options = BLOCKS.find(self.op).options
        if options.model_fields:
            assert self.__pydantic_extra__ is not None
            self.__pydantic_extra__.update(options.model_validate(self.options).model_dump(mode="json"))
        return self

    @model_serializer(mode="plain")
    def _short(self) -> str | dict[str, Any]:
        """The name alone where all options are the usual ones."""
        usual = BLOCKS.find(self.op).options().model_dump(mode="json")
        own = {key: value for key, value in self.options.items() if value != usual.get(key)}
        return {"op": self.op, **own} if own else self.op


class Stack(Frozen):
    """A chain of blocks on one input."""

    name: Name
    reads: Name = Field(description="An input.")
    memory: Name | None = Field(
        default=None, description="An earlier stack, at whose end the blocks of guided attention look."
    )
    blocks: tuple[Annotated[Block, Patient], ...] = Field(max_length=1024)


class StackHead(Frozen):
    """What is made of the ends of the stacks.

    ``answer``: logits of answers, (B, outputs); ``match``: one logit of a pair, (B,); ``ground``: of each region a
    score and a change of its box, (B, R, 5); ``null``: the reduced vectors added and normalised, (B, 2 · width).
    """

    task: HeadTask | None = None
    outputs: Count | None = Field(default=None, description="Of ``answer``; a task supplies it if left out.")
