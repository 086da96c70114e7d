"""The genotype: a whole fusion network as one frozen value, and plain data as a genotype."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from bmnas.errors import GenotypeError, short
from bmnas.genotype import checks
from bmnas.genotype.checks import Patience, Problem
from bmnas.genotype.problems import LIMIT, problems, too_long
from bmnas.genotype.schema import FORMAT, Cell, Feature, Frozen, Head, Name, Patient, Provenance, Representation, filled


class Genotype(Frozen):
    """A whole fusion network: which features go into which cells, what each cell does, and what comes out.

    Raises:
        GenotypeError: it does not describe a network; the sentence names the place.
    """

    _picture: ClassVar[Callable[[Genotype], str | None] | None] = None  # drawing knows genotypes, not the other way

    format: Literal["bmnas/1"] = FORMAT
    name: Name = "genotype"
    dialect: Literal["official", "paper"] = Field(
        default="official",
        description="What the operation names compute: what they do in the authors' released code (which produced the "
        "paper's numbers), or Eq. 4-8 of the paper alone.",
    )
    representation: Representation
    features: tuple[Annotated[Feature, Patient], ...] = Field(min_length=1, max_length=4096)
    cells: tuple[Annotated[Cell, Patient], ...] = Field(max_length=256)
    output: tuple[Name, ...] = Field(default=(), min_length=1, description="Cells or features; all cells if left out.")
    join: Literal["concat", "sum"] = Field(
        default="concat",
        description="How the output's nodes become one: concatenated in front of the head (the paper's networks), or "
        "each by a linear head of its own, whose results are added. A feature's head then reads the feature itself, "
        "its mean over positions; a cell's head begins as zero, so that the features' heads are where training begins.",
    )
    head: Head | None = None
    members: int = Field(
        default=1,
        ge=1,
        le=64,
        strict=True,
        description="Of how many networks of this genotype, each with weights of its own, the outputs are averaged.",
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, strict=True)
    provenance: Provenance | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        return filled(data, of="cells", prefix="Cell")

    @model_validator(mode="after")
    def _is_a_network(self) -> Self:
        checks.refuse(checks.genotype(self))
        return self

    def __repr__(self) -> str:
        kinds = ", ".join(dict.fromkeys(feature.modality for feature in self.features))
        steps = sum(len(cell.steps) for cell in self.cells)
        counts = [(len(self.features), "feature"), (len(self.cells), "cell"), (steps, "step")]
        if self.head is not None:
            counts.append((self.head.outputs, "output"))
        features, *rest = (f"{count} {what}{'s' * (count != 1)}" for count, what in counts)
        return f"<Genotype {self.name!r}: {', '.join([f'{features} ({kinds[:60]})', *rest])}>"

    __str__ = __repr__

    def _repr_svg_(self) -> str | None:
        """Its picture, for notebooks; ``None`` where it cannot be drawn, so that the words above are shown."""
        return None if Genotype._picture is None else Genotype._picture(self)

    @classmethod
    def _refusal(cls, values: Mapping[str, Any], error: ValidationError) -> GenotypeError:
        return _error(problems(values, error, list(Genotype.model_fields)), str(values.get("name", "genotype")))

    @property
    def has_head(self) -> bool:
        """Whether it ends in as many numbers as a task asks for, not in its fused representation."""
        return self.head is not None

    def feature(self, name: str) -> Feature:
        """The feature of that name.

        Raises:
            KeyError: there is none.
        """
        for feature in self.features:
            if feature.name == name:
                return feature
        raise KeyError(name)

    def replace(self, **changes: Any) -> Genotype:
        """The same genotype with other values of some fields, checked as a whole.

        Args:
            changes: by field; models or plain data.

        Raises:
            GenotypeError: it would not be a genotype.
        """
        return from_dict({**self.model_dump(), **_plain(changes)}, self.name)

    def with_channels(self, channels: Mapping[str, int]) -> Genotype:
        """The same genotype with the channels of the features that left them out, from ``{feature name: channels}``."""
        features = tuple(
            feature.model_copy(update={"channels": channels[feature.name]})
            if feature.channels is None and feature.name in channels
            else feature
            for feature in self.features
        )
        return Genotype.model_validate({**dict(self), "features": features})


def from_dict(data: Any, source: str = "genotype") -> Genotype:
    """A genotype from plain Python data, as JSON gives it.

    Raises:
        GenotypeError: the data are not a genotype.
    """
    if not isinstance(data, Mapping):
        raise GenotypeError(f"{source}: is {short(data)}, but a genotype is a JSON object with features and cells")
    found = too_long(data)
    if not found:
        try:
            return Genotype.model_validate(data, context=Patience(LIMIT))
        except ValidationError as error:
            found = problems(data, error, list(Genotype.model_fields))
    raise _error(found, source)


def _error(found: Sequence[Problem], source: str) -> GenotypeError:
    more = len(found) - 1
    return GenotypeError(
        f"{source}: {found[0].place} {found[0].text}"
        + (f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""),
        found,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        data = value.model_dump()
        return {key: item for key, item in data.items() if key != "name" or item}  # the nameless are numbered
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
