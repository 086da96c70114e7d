"""How the weights of a network are trained, as settings."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from bmnas.settings import Settings, shown


class Optimisation(Settings):
    """How weights are trained: Adam with cosine annealing (Table 8, "Network Optim")."""

    group: ClassVar[str] = "Training of weights"

    batch_size: int = Field(
        default=96, ge=2, le=1_000_000, description="Samples in a batch.", json_schema_extra=shown("samples")
    )
    lr: float = Field(
        default=1e-3,
        gt=0,
        le=10,
        description="Adam step size for the weights at the start, per update (MaxLR).",
        json_schema_extra=shown("rate"),
    )
    min_lr: float = Field(
        default=1e-6, ge=0, description="The same at the end of the cosine (MinLR).", json_schema_extra=shown("rate")
    )
    weight_decay: float = Field(
        default=1e-4, ge=0, description="L2 term of Adam for the weights.", json_schema_extra=shown("rate")
    )
    heads: Literal["auto", "joint", "apart"] = Field(
        default="auto",
        description="How heads of features are fitted, where a network adds them: together, or each by itself, as in "
        "score fusion; auto: as held-out samples say.",
    )
    head_l2: float | None = Field(
        default=None, ge=0, description="L2 penalty of these heads; by held-out samples if left out."
    )
    modality_dropout: float = Field(
        default=0,
        ge=0,
        lt=1,
        description="Probability with which a sample that is trained on loses a modality, never all of them; what is "
        "lost is replaced by its average.",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Of everything random.")

    @model_validator(mode="after")
    def _rates_fall(self) -> Self:
        if self.min_lr > self.lr:
            raise ValueError(f"setting min_lr ({self.min_lr}) is greater than lr ({self.lr})")
        return self
