"""The settings of a joint training: backbones and fusion network as one model, from raw samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from bmnas.fit.mixed_precision import Amp
from bmnas.searcher.settings import TaskSettings
from bmnas.settings import shown
from bmnas.tasks import Task


class JointConfig(TaskSettings):
    """AdamW on the whole model, on training + validation samples; each step size rises, then falls along a cosine."""

    group: ClassVar[str] = "Joint training"

    epochs: int = Field(
        default=20, ge=1, le=100_000, description="Passes over the samples.", json_schema_extra=shown("epochs")
    )
    select_epoch: bool = Field(
        default=False,
        description="Train on the training split first, choose the number of epochs on the validation split, then "
        "train again on both for so many.",
    )
    batch_size: int = Field(
        default=32, ge=2, le=1_000_000, description="Samples of a step.", json_schema_extra=shown("samples")
    )
    micro_batch: int | None = Field(
        default=None,
        ge=2,
        description="Samples that go through the model at once; the gradients of a batch's parts are added up. Whole "
        "batches if left out, or as many as memory has room for.",
        json_schema_extra=shown("samples"),
    )
    lr: float = Field(
        default=1e-3,
        gt=0,
        le=10,
        description="Step size of the fusion network, at most.",
        json_schema_extra=shown("rate"),
    )
    backbone_lr: float = Field(
        default=1e-4, ge=0, le=10, description="Step size of the backbones, at most.", json_schema_extra=shown("rate")
    )
    rates: tuple[str, ...] = Field(
        default=(),
        description="Other step sizes, as MODALITY=RATE or MODALITY.LAYER=RATE with commas; 0 freezes; none if left "
        "out.",
        json_schema_extra=shown("rates"),
    )
    freeze: tuple[str, ...] = Field(
        default=(),
        description="What of the backbones stays as it is, as MODALITY or MODALITY.LAYER with commas: no gradients, "
        "and batch norm in eval mode; nothing if left out.",
        json_schema_extra=shown("names"),
    )
    min_share: float = Field(
        default=1e-3, ge=0, le=1, description="The share of each step size that is left at the end of the cosine."
    )
    warmup: float = Field(
        default=1.0,
        ge=0,
        description="Epochs in which the step sizes rise, from 0.",
        json_schema_extra=shown("epochs"),
    )
    backbone_start: int = Field(
        default=0,
        ge=0,
        description="Epochs in which the backbones stay as they are, before they are trained, too.",
        json_schema_extra=shown("epochs"),
    )
    weight_decay: float = Field(default=1e-4, ge=0, description="Of AdamW.", json_schema_extra=shown("rate"))
    clip: float = Field(
        default=1.0, ge=0, description="Norm to which the gradient of a step is cut, over all weights; 0: it is not."
    )
    ema: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Test the exponential moving average of the weights, which keeps this share of itself at each "
        "step; the last weights if left out.",
    )
    label_smoothing: float = Field(
        default=0, ge=0, lt=1, description="As in torch's cross entropy; for one class a sample."
    )
    augment: bool = Field(default=True, description="Augmented samples, where the task has some.")
    amp: Amp = Field(default="none", description="Numbers of 16 bits in which the model computes, or none.")
    workers: int | None = Field(
        default=None, ge=0, description="Processes that read samples; as suits the machine if left out."
    )

    @model_validator(mode="after")
    def _fits(self) -> JointConfig:
        if self.warmup > self.epochs:
            raise ValueError(f"setting warmup ({self.warmup}) is greater than epochs ({self.epochs})")
        if self.backbone_start >= self.epochs and self.backbone_lr > 0:
            raise ValueError(
                f"setting backbone_start ({self.backbone_start}) leaves none of the {self.epochs} epochs for backbones"
            )
        return self

    @classmethod
    def _suiting(cls, task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
        # Other suggestions of a task are for searches and trainings on cached features.
        own = {name: task.settings[name] for name in ("batch_size",) if name in task.settings}
        epochs = given.get("epochs", cls.model_fields["epochs"].default)
        usual: float = cls.model_fields["warmup"].default
        return own | ({"warmup": epochs / 4} if isinstance(epochs, int) and epochs < 4 * usual else {})

    @property
    def decisive(self) -> dict[str, Any]:
        """What decides the result: reading in other processes changes nothing."""
        return self.model_dump(mode="json", exclude={"workers"})
