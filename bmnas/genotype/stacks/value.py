"""The genotype of an encoder-decoder network as one frozen value, and plain data as such a genotype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from bmnas.errors import GenotypeError, short
from bmnas.genotype.checks import Patience, Problem, refuse
from bmnas.genotype.problems import LIMIT, told_in
from bmnas.genotype.schema import FORMAT, Frozen, Name, Patient, Provenance, Size
from bmnas.genotype.stacks import checks
from bmnas.genotype.stacks.schema import KIND, Dialect, SequenceInput, Stack, StackHead

# The greatest lengths of lists, by key.
_LONGEST = {"inputs": 64, "stacks": 64, "blocks": 1024, "output": 64}

_PARTS: dict[str, tuple[str, Any]] = {
    "inputs": ("an input", SequenceInput),
    "stacks": ("a stack", Stack),
    "head": ("a head", StackHead),
    "provenance": ("a provenance", Provenance),
}


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


def from_dict(data: Any, source: str = "genotype") -> StackGenotype:
    """An encoder-decoder genotype from plain Python data, as JSON gives it.

    Raises:
        GenotypeError: the data are not a genotype of this kind.
    """
    if not isinstance(data, Mapping):
        raise GenotypeError(f"{source}: is {short(data)}, but a genotype is a JSON object with inputs and stacks")
    found = list(islice(_too_long(data, ""), LIMIT))
    if found:
        raise _error(found, source)
    try:
        return StackGenotype.model_validate(data, context=Patience(LIMIT))
    except ValidationError as error:
        raise refusal(data, error, source) from None


def refusal(_data: Mapping[str, Any], error: ValidationError, source: str) -> GenotypeError:
    """What is wrong, from what Pydantic says of it."""
    details = list(islice(error.errors(include_url=False), LIMIT))
    parents = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
    single = [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in parents]
    found = [told_in(detail, list(StackGenotype.model_fields), _PARTS) for detail in single]
    return _error(sorted(found, key=lambda problem: "is not a key of" not in problem.text), source)


def _too_long(data: Any, place: str) -> Iterator[Problem]:
    if not isinstance(data, Mapping):
        return
    for key, most in _LONGEST.items():
        items = data.get(key)
        if isinstance(items, list | tuple) and len(items) > most:
            yield Problem(f"{place}{key}", f"has {len(items)} items, but may have at most {most}")
        elif isinstance(items, list | tuple) and key == "stacks":
            for i, item in enumerate(items):
                yield from _too_long(item, f"{place}{key}[{i}].")


def _error(found: Sequence[Problem], source: str) -> GenotypeError:
    more = len(found) - 1
    plural = "s" if more > 1 else ""
    return GenotypeError(
        f"{source}: {found[0].place} {found[0].text}" + (f" (and {more} more problem{plural})" if more else ""), found
    )


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
