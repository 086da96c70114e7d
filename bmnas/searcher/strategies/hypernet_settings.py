"""The settings of strategies that train a hypernet."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, SerializeAsAny

from bmnas.searcher.hypernet import Relaxation
from bmnas.searcher.selections import SELECTIONS, Scored
from bmnas.searcher.settings import SelectionSettings, StrategySettings
from bmnas.settings import Choosing, shown
from bmnas.table import Table


class HypernetSettings(Choosing, StrategySettings):
    """Of every such strategy."""

    chooses: ClassVar[str] = "select"

    select: SerializeAsAny[SelectionSettings] = Field(
        default_factory=Scored, description="How the hypernet is turned into a genotype at the end."
    )
    amp: bool = Field(default=False, description="Compute the hypernet under autocast to bfloat16.")

    def relaxed(self) -> Relaxation:
        """How the hypernet mixes its alternatives."""
        return "split"

    @classmethod
    def members(cls) -> Table[Any]:
        """The selections."""
        return SELECTIONS


class ArchitectureSettings(HypernetSettings):
    """Of those that learn alpha, beta and gamma."""

    arch_lr: float = Field(
        default=3e-4,
        gt=0,
        le=10,
        description="Adam step size for alpha, beta and gamma, per update.",
        json_schema_extra=shown("rate"),
    )
    arch_weight_decay: float = Field(
        default=1e-3, ge=0, description="L2 term of Adam for alpha, beta and gamma.", json_schema_extra=shown("rate")
    )
