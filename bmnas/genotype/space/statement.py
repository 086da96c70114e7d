"""What a space is stated by: features, sizes and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

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
