"""What a space is stated by: features, sizes and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bmnas.errors import did_you_mean, short
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Feature, Frozen, Head, Representation
from bmnas.genotype.space.choices import Sizes
from bmnas.genotype.space.rules import PAPER, Rules

Layers = Annotated[int, Field(strict=True, ge=1, le=64)]
Inputs = Annotated[int, Field(strict=True, ge=2, le=len(INPUT_NAMES))]


class Statement(Frozen):
    """The fields of `Space`, which says what they mean."""

    features: tuple[Feature, ...] = Field(min_length=1, max_length=4096)
    cells: Layers = Field(description="N, the number of cells.")
    steps: Layers = Field(description="M, the number of steps of a cell.")
    operations: tuple[str, ...] = Field(
        min_length=1, max_length=256, description="The names of the pool; options have their defaults."
    )
    rules: Rules = PAPER
    representation: Representation
    head: Head | None = None
    anchor: tuple[str, ...] = Field(
        default=(),
        max_length=4096,
        description="Features whose heads the genotypes' outputs begin with, cells being added to them; none in the "
        "paper's space, where the cells alone are the output.",
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, strict=True)
    dialect: Literal["official", "paper"] = "official"
    outputs_per_cell: int = Field(
        default=0,
        strict=True,
        ge=1,
        description="How many of a cell's last nodes form its output; all steps if left out. With more than that, "
        "inputs of the cell are among them: the last one first.",
    )
    cell_inputs: Inputs = 2
    step_inputs: Inputs = 2

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("outputs_per_cell") is None and "steps" in data:
            return {**data, "outputs_per_cell": data["steps"]}
        return data

    @model_validator(mode="after")
    def _anchored(self) -> Self:
        known = [feature.name for feature in self.features]
        for name in self.anchor:
            if name not in known:
                raise ValueError(f"names {short(name)}, which is not a feature{did_you_mean(name, known)}")
        if len(set(self.anchor)) < len(self.anchor):
            raise ValueError("names a feature twice")
        if self.anchor and self.head is None:
            raise ValueError("has features, whose heads are added up, so the space needs a head")
        return self

    @property
    def sizes(self) -> Sizes:
        """The numbers that the genotypes are counted from."""
        return Sizes(
            features=len(self.features),
            cells=self.cells,
            steps=self.steps,
            cell_inputs=self.cell_inputs,
            step_inputs=self.step_inputs,
            operations=len(self.operations),
            reads_cells=self.rules.cells_read == "any",
            new_feature=self.rules.cells_differ == "new feature",
            repeats=self.rules.steps_repeat,
        )
