"""The genotype of an encoder-decoder network: chains of blocks for token and region sequences, as frozen values.

The second kind of genotype; the first, `bmnas.Genotype`, is a fusion network. Every reference is by name, and blocks
are named by their place. What a person may leave out is filled in here. Unknown keys are errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_serializer, model_validator

from bmnas.errors import GenotypeError
from bmnas.genotype.checks import refuse
from bmnas.genotype.schema import FORMAT, Count, Frozen, Name, Patient, Provenance, Size
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


class StackGenotype(Frozen):
    """A whole encoder-decoder network: its inputs, its stacks, and what is made of their ends.

    Raises:
        GenotypeError: it does not describe a network; the sentence names the place.
    """

    _picture: ClassVar[Callable[[StackGenotype], str | None] | None] = None

    format: Literal["bmnas/1"] = FORMAT
    kind: Literal["encoder-decoder"] = KIND
    name: Name = "genotype"
    dialect: Dialect = Field(
        default="official",
        description="official: as the released code of MMnas has it, attentions without biases; openvqa: with biases, "
        "as openvqa has them; signed: official, but relations keep the direction of an offset (ours).",
    )
    width: Size = Field(default=512, description="H, of every position of every stack.")
    head_width: Size = Field(default=64, description="d, of each head of an attention.")
    relation_width: Size = Field(default=64, description="Numbers that the relation of two boxes becomes.")
    dropout: float = Field(default=0.1, ge=0, lt=1, strict=True)
    inputs: tuple[Annotated[SequenceInput, Patient], ...] = Field(min_length=1, max_length=64)
    stacks: tuple[Annotated[Stack, Patient], ...] = Field(min_length=1, max_length=64)
    output: tuple[Name, ...] = Field(default=(), min_length=1, description="Stacks; all of them if left out.")
    head: StackHead = StackHead()
    provenance: Provenance | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        return filled(data)

    @model_validator(mode="after")
    def _is_a_network(self) -> Self:
        refuse(checks.genotype(self))
        return self

    def __repr__(self) -> str:
        stacks = ", ".join(f"{stack.name} {len(stack.blocks)}" for stack in self.stacks)
        head = self.head.task or "no head"
        return f"<StackGenotype {self.name!r}: blocks of {stacks[:120]}; {head}>"

    __str__ = __repr__

    def _repr_svg_(self) -> str | None:
        """Its picture, for notebooks; ``None`` where it cannot be drawn."""
        return None if StackGenotype._picture is None else StackGenotype._picture(self)

    @classmethod
    def _refusal(cls, values: Mapping[str, Any], error: ValidationError) -> GenotypeError:
        from bmnas.genotype.stacks.reading import refusal

        return refusal(values, error, str(values.get("name", "genotype")))

    @property
    def has_head(self) -> bool:
        """Whether it ends in what a task asks for."""
        return self.head.task is not None

    def input(self, name: str) -> SequenceInput:
        """The input of that name.

        Raises:
            KeyError: there is none.
        """
        return {each.name: each for each in self.inputs}[name]

    def stack(self, name: str) -> Stack:
        """The stack of that name.

        Raises:
            KeyError: there is none.
        """
        return {each.name: each for each in self.stacks}[name]

    def replace(self, **changes: Any) -> StackGenotype:
        """The same genotype with other values of some fields, checked as a whole.

        Raises:
            GenotypeError: it would not be a genotype.
        """
        from bmnas.genotype.stacks.reading import from_dict

        plain = {key: _plain(value) for key, value in changes.items()}
        return from_dict({**self.model_dump(), **plain}, self.name)

    def completed(
        self,
        *,
        channels: Mapping[str, int] | None = None,
        vocabulary: Mapping[str, int] | None = None,
        outputs: int | None = None,
    ) -> StackGenotype:
        """The same genotype with what it left to a task, where it has left it: by input, and the head's outputs."""
        known = {"channels": channels or {}, "vocabulary": vocabulary or {}}
        inputs = []
        for each in self.inputs:
            key = "channels" if each.tokens is None else "vocabulary"
            value = known[key].get(each.name) if getattr(each, key) is None else None
            inputs.append(each if value is None else each.model_copy(update={key: value}))
        head = self.head
        if head.task == "answer" and head.outputs is None and outputs is not None:
            head = head.model_copy(update={"outputs": outputs})
        return StackGenotype.model_validate({**dict(self), "inputs": tuple(inputs), "head": head})


def filled(data: Any) -> Any:
    """Data with all stacks as the output, where none is named."""
    if not isinstance(data, Mapping) or "output" in data:
        return data
    stacks = data.get("stacks")
    if not isinstance(stacks, list | tuple) or not stacks:
        return data
    names = [stack.get("name") if isinstance(stack, Mapping) else getattr(stack, "name", None) for stack in stacks]
    return {**data, "output": [name for name in names if isinstance(name, str)]}


def _plain(value: Any) -> Any:
    if isinstance(value, Frozen):
        return value.model_dump()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
