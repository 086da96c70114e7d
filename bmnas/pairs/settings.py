"""Settings of trainings and searches of encoder-decoder networks."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from bmnas.settings import Settings, shown


class PairTrainConfig(Settings):
    """The training of one network on the training split: Adam, whose step size rises, then falls along a cosine."""

    group: ClassVar[str] = "Training of encoder-decoder networks"

    epochs: int = Field(
        default=12, ge=1, le=10_000, description="Passes over the data.", json_schema_extra=shown("epochs")
    )
    batch_size: int = Field(
        default=128, ge=2, le=1_000_000, description="Pairs in a batch.", json_schema_extra=shown("pairs")
    )
    lr: float = Field(
        default=7e-4, gt=0, le=10, description="Adam step size, at most.", json_schema_extra=shown("rate")
    )
    warmup: float = Field(default=0.1, ge=0, lt=1, description="Share of the training in which the step size rises.")
    clip: float = Field(default=1.0, ge=0, description="Norm to which the gradient of a step is cut; 0: it is not.")
    weight_decay: float = Field(default=0.0, ge=0, description="L2 term of Adam.", json_schema_extra=shown("rate"))
    seed: int = Field(default=0, ge=0, lt=2**63, description="Of everything random.")


class PairSearchConfig(PairTrainConfig):
    """A search of encoder-decoder networks: an operation of a pool for each block of an encoder and a decoder."""

    group: ClassVar[str] = "Search of encoder-decoder networks"

    strategy: Literal["gates", "gdas", "random", "evolution"] = Field(
        default="gates",
        description="gates: a hypernet in which each block draws one operation, as MMnas searches; gdas: "
        "the same with Gumbel sampling; random, evolution: candidates that are trained one by one.",
    )
    encoder_blocks: int = Field(default=2, ge=1, le=64, description="Blocks of the encoder.")
    decoder_blocks: int = Field(default=6, ge=1, le=64, description="Blocks of the decoder.")
    width: int = Field(default=64, ge=4, le=65_536, description="Numbers of a position, H.")
    head_width: int = Field(default=16, ge=1, le=65_536, description="Numbers of a head, d.")
    relation_width: int = Field(default=16, ge=1, le=65_536, description="Numbers of a relation.")
    tokens: int = Field(default=64, ge=1, le=65_536, description="Numbers of a word vector.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout rate.", json_schema_extra=shown("rate"))
    dialect: Literal["official", "openvqa", "signed"] = Field(default="official", description="Of the genotype.")
    start: Literal["even", "mcan-rsa"] = Field(
        default="even",
        description="gates: where alpha begins: all operations are equally likely, or those of mcan-rsa more, as in "
        "the released code.",
    )
    arch_lr: float = Field(default=0.1, gt=0, le=10, description="gates, gdas: Adam step size of alpha.")
    arch_start: float = Field(
        default=0.4, ge=0, lt=1, description="gates, gdas: share of the epochs after which alpha is learnt, too."
    )
    arch_every: int = Field(default=5, ge=1, description="gates, gdas: weight steps to a step of alpha.")
    held_out: float = Field(
        default=0.2, gt=0, lt=1, description="gates, gdas: share of the training split, drawn by seed, for alpha."
    )
    budget_trainings: int = Field(default=8, ge=1, description="random, evolution: candidates that are trained.")
    population: int = Field(default=4, ge=2, description="evolution: how many of the latest candidates can be parents.")
    tournament: int = Field(default=2, ge=1, description="evolution: of how many candidates a parent is the best.")
    budget_seconds: float | None = Field(
        default=None, gt=0, description="End after the round that reaches it.", json_schema_extra=shown("seconds")
    )
    train_epochs: int = Field(default=20, ge=1, description="Epochs of each training at the end.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width % self.head_width:
            raise ValueError(f"setting head_width ({self.head_width}) does not divide width ({self.width})")
        return self

    def training(self, epochs: int | None = None) -> PairTrainConfig:
        """The settings of a training of one network."""
        own = {name: getattr(self, name) for name in PairTrainConfig.model_fields}
        return PairTrainConfig(**{**own, "epochs": epochs or self.epochs})
