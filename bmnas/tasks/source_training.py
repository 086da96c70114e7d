"""How a backbone is trained on a task's samples as they come, in memory or read one by one, augmented where possible.

Raw inputs of a whole split are never in memory at once, unless the task has them there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.fit import evaluate
from bmnas.fit.fit import Fit
from bmnas.fit.micro_batches import MicroBatches
from bmnas.fit.mixed_precision import Amp, computing, scaler_of
from bmnas.settings import Settings
from bmnas.tasks.loading import noticing_dead_workers
from bmnas.tasks.progress import Progress, Report, silent
from bmnas.tasks.raw_batches import RawBatches
from bmnas.tasks.task import Split, Task
from bmnas.tasks.training import cosine_fit, fitted
from bmnas.tasks.tree import Tree, call, mapped


class SourceTraining(Settings):
    """How a backbone is trained with AdamW; the step size falls to zero along a cosine."""

    epochs: int = Field(default=20, ge=1, description="Passes over the samples.")
    batch_size: int = Field(default=32, ge=1, description="Samples of a step.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Step size at the start.")
    weight_decay: float = Field(
        default=0.0, ge=0, description="Share of a weight that is taken off at a step, per unit of learning rate."
    )
    seed: int = Field(
        default=0, ge=0, description="Of the order of the samples, their augmentation, and all else that is random."
    )
    workers: int | None = Field(
        default=None, ge=0, le=256, description="Processes that read samples; as many as suit the machine if left out."
    )
    amp: Amp = Field(default="none", description="Numbers of 16 bits in which the network computes, or none.")

    @property
    def decisive(self) -> dict[str, Any]:
        """What decides the weights, but for rounding."""
        return self.model_dump(mode="json", exclude={"workers", "amp"})


def train_on_source(
    task: Task,
    modality: str,
    module: nn.Module,
    settings: SourceTraining,
    *,
    device: str | torch.device = "cpu",
    report: Report = silent,
) -> float:
    """Train a backbone in place on the training split of a task; it is on ``device`` then, in eval mode.

    Epoch e sees view e of the split (`Task.view`), where the task has views. A batch that does not fit into memory is
    divided. Inside of `training.kept`, as in `Task.train_backbone`, a training that was killed goes on where it was.

    Args:
        task: whose samples, loss and metric.
        modality: of the backbone.
        module: maps a batch of the modality's input (B, ...) to outputs (B, outputs).
        settings: how; what `computed_with` says goes before ``workers`` and ``amp``.
        device: where.
        report: receives an event at each epoch, phase ``backbone <modality>``.

    Returns: the score on the validation split, by the task's metric.

    Raises:
        BmnasError: a sample cannot be used, a split is empty, a worker died, or the module gives no outputs.
        Diverged: a loss or a weight is no finite number.
    """
    where, chosen = torch.device(device), settings.model_copy(update=_computed_with.get())
    module.to(where)
    data = RawBatches(
        task,
        ["train"],
        batch_size=chosen.batch_size,
        seed=chosen.seed,
        augment=True,
        workers=chosen.workers,
        modalities=[modality],
    )
    if len(task.split("validation")) == 0:  # said before a long training, not after it
        raise BmnasError(f"task {task.name} has no samples in its validation split")
    run = _Run(task, modality, module, chosen.amp, where)
    with noticing_dead_workers():
        fit = fitted(module, lambda: run.fit(data, chosen), chosen.decisive, report)
        return run.score(data, fit.micro, report)


@contextmanager
def computed_with(*, amp: Amp | None = None, workers: int | None = None) -> Iterator[None]:
    """Trainings inside the block compute so, whatever their settings say: a matter of the machine, as the device is."""
    given = {"amp": amp, "workers": workers}
    before = _computed_with.set({name: value for name, value in given.items() if value is not None})
    try:
        yield
    finally:
        _computed_with.reset(before)


# A task trains its backbone by a method whose arguments say nothing of it.
_computed_with: ContextVar[dict[str, Any]] = ContextVar("computed_with", default={})  # noqa: B039 - never changed


class _Run:
    """A module on the samples of one modality."""

    def __init__(self, task: Task, modality: str, module: nn.Module, amp: Amp, device: torch.device) -> None:
        self.task, self.modality, self.module, self.device = task, modality, module, device
        self.amp: Amp = amp

    def fit(self, data: RawBatches, settings: SourceTraining) -> Fit:
        """The training as it begins."""
        return cosine_fit(
            self.module,
            settings,
            batches=data.left,
            losses=self._losses,
            steps=len(data),
            device=self.device,
            phase=f"backbone {self.modality}",
            scaler=scaler_of(self.amp, self.device),
        )

    def score(self, data: RawBatches, micro: MicroBatches, report: Report) -> float:
        """The score on the validation split, batch by batch."""
        total, labels = len(self.task.split("validation")), list[Tensor]()

        def seen() -> Iterator[Split]:
            for batch in data.in_order("validation"):
                yield batch
                labels.append(batch.labels)
                report(Progress(f"score of backbone {self.modality}", sum(map(len, labels)), total, "", "samples"))

        outputs = evaluate.outputs(self.module, lambda batch, part: self._outputs(batch, part).cpu(), seen(), micro)
        return self.task.metric.score(outputs, torch.cat(labels))

    def _losses(self, batch: Split) -> Callable[[slice], Tensor]:
        labels = batch.labels.to(self.device, non_blocking=True)
        return lambda part: self.task.loss(self._outputs(batch, part), labels[part])

    def _outputs(self, batch: Split, part: slice) -> Tensor:
        """(B, outputs), in 32 bits at least."""
        with computing(self.amp, self.device):
            outputs = call(self.module, self._moved(batch.inputs[self.modality], part))
        if not isinstance(outputs, Tensor):
            raise BmnasError(
                f"the backbone {self.modality!r} of task {self.task.name} gives a {type(outputs).__name__}, but to be "
                "trained it has to give a tensor of outputs"
            )
        return outputs.float() if outputs.dtype in (torch.float16, torch.bfloat16) else outputs

    def _moved(self, inputs: Tree, part: slice) -> Tree:
        return mapped(lambda tensor: tensor[part].to(self.device, non_blocking=True), inputs)
