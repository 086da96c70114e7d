"""The training of a whole model on raw samples, which can be stopped at any step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from bmnas.errors import BmnasError
from bmnas.fit import evaluate
from bmnas.fit.events import EpochEnd
from bmnas.fit.fit import Fit, Phase
from bmnas.fit.mixed_precision import computing, scaler_of
from bmnas.fit.seeding import seed_default, stream
from bmnas.joint.model import FUSION, JointModel, on_device
from bmnas.joint.schedule import WarmCosine
from bmnas.joint.settings import JointConfig
from bmnas.searcher.fit_training import FitTraining
from bmnas.tasks import SingleLabel, Split, SplitName, Task
from bmnas.tasks.raw_batches import RawBatches


class JointTraining(FitTraining):
    """Trains a model in place.

    Args:
        model: on ``device``.
        task: gives the samples, the loss and the metric; fitted to the labels of the splits.
        config: the settings.
        splits: whose samples are trained on.
        seed: of everything random.
        device: where.
        title: what it is called.
        stop: after how many epochs it ends; the step sizes are those of all.
        watched: a split whose score is noted after each epoch.

    Attributes:
        model: as given.
        fit: what trains it.
        scores: of the watched split, after each epoch.
    """

    def __init__(
        self,
        model: JointModel,
        task: Task,
        config: JointConfig,
        splits: Sequence[SplitName],
        *,
        seed: int,
        device: torch.device,
        title: str,
        stop: int | None = None,
        watched: SplitName | None = None,
    ) -> None:
        super().__init__(title)
        self.model, self._task, self._config, self._device = model, _smoothed(task, config), config, device
        self._watched: SplitName | None = watched
        self.scores: list[float] = []
        self._epochs = config.epochs if stop is None else min(stop, config.epochs)
        self._samples = RawBatches(
            task,
            splits,
            batch_size=config.batch_size,
            seed=stream(seed, "joint", "order"),
            augment=config.augment,
            workers=config.workers,
            modalities=model.modalities,
        )
        groups, steps = model.groups(config), len(self._samples)
        self._weights = [parameter for group in groups for parameter in group.weights.values()]
        optimizer = torch.optim.AdamW(
            [{"params": list(group.weights.values()), "lr": group.rate} for group in groups],
            weight_decay=config.weight_decay,
        )
        if config.clip:
            optimizer.register_step_pre_hook(_clipping(self._weights, config.clip))
        self._ema = _averaged(model) if config.ema is not None else None
        phase = Phase(
            name="weights",
            parameters=self._weights,
            optimizer=optimizer,
            schedule=WarmCosine(
                optimizer,
                config.epochs * steps,
                warmup=round(config.warmup * steps),
                starts=[0 if group.name == FUSION else config.backbone_start * steps for group in groups],
                least=config.min_share,
            ),
            batches=self._left,
            loss=self._losses,
            seed=lambda *place: seed_default(stream(seed, "joint", *place), device),
            stepped=self._average,
            rate=config.lr,
            setting="lr",
            steps=steps,
            scaler=scaler_of(config.amp, device),
        )
        self.fit = Fit(model, [phase], epochs=self._epochs, device=device, subject=f"the training of {self._title}")
        self.fit.micro.resume(config.micro_batch)

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on: tensors and plain values only."""
        return {"fit": self.fit.state(), "ema": self._ema, "scores": list(self.scores), "clock": self._clock.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        self.fit.load_state(state["fit"])
        self.scores = [float(score) for score in state["scores"]]
        if self._ema is not None:
            for own, kept in zip(self._ema, state["ema"], strict=True):
                own.copy_(kept)
        self._clock.load_state(state["clock"])

    def finished(self) -> JointModel:
        """The model, when all steps are done: with its averaged weights, if they were asked for."""
        self._exchange()
        self.model.hold(False)
        self._clock.lap()
        return self.model.eval()

    def outputs(self, split: SplitName) -> tuple[Tensor, Tensor]:
        """What the model gives for a split's samples as they are, (N, outputs), and the labels, on the CPU."""
        labels: list[Tensor] = []

        def batches() -> Iterator[Split]:
            for batch in self._samples.in_order(split):
                here = on_device(batch, self._task, self._device)
                labels.append(here.labels.cpu())
                yield here

        def forward(batch: Split, part: slice) -> Tensor:
            with computing(self._config.amp, self._device):
                return self.model(batch[part]).float().cpu()

        outputs = evaluate.outputs(self.model, forward, batches(), self.fit.micro)
        return outputs, torch.cat(labels)

    def _left(self, epoch: int, done: int) -> Iterator[Split]:
        self.model.hold(epoch <= self._config.backbone_start)
        return (on_device(batch, self._task, self._device) for batch in self._samples.left(epoch, done))

    def _losses(self, batch: Split) -> Callable[[slice], Tensor]:
        def loss(part: slice) -> Tensor:
            own = batch[part]
            with computing(self._config.amp, self._device):
                outputs = self.model(own)
            return self._task.loss(outputs.float(), own.labels)

        return loss

    def _average(self, _batch: Split) -> None:
        if self._ema is not None:
            assert self._config.ema is not None
            get_ema_multi_avg_fn(self._config.ema)(self._ema, _floating(self.model), 0)

    def _epoch_done(self, event: EpochEnd) -> float:
        if self._watched is not None:
            self._exchange()
            self.scores.append(self._task.metric.score(*self.outputs(self._watched)))
            self._exchange()
        return float(event.losses["weights"])

    @torch.no_grad()
    def _exchange(self) -> None:
        """Put the averages in the place of the weights, and the other way round."""
        if self._ema is not None:
            for own, average in zip(_floating(self.model), self._ema, strict=True):
                kept = own.clone()
                own.copy_(average)
                average.copy_(kept)


def _floating(model: nn.Module) -> list[Tensor]:
    """Weights and statistics; counters have no average."""
    tensors = (*model.parameters(), *model.buffers())
    return [tensor.detach() for tensor in tensors if tensor.is_floating_point()]


def _averaged(model: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in _floating(model)]


def _clipping(weights: Sequence[nn.Parameter], norm: float) -> Callable[..., None]:
    """A hook before a step of the optimiser, by when the gradients of a batch's parts are added up."""

    def clip(*_: object) -> None:
        nn.utils.clip_grad_norm_([each for each in weights if each.grad is not None], norm)

    return clip


def _smoothed(task: Task, config: JointConfig) -> Task:
    if not config.label_smoothing:
        return task
    if not isinstance(task.objective, SingleLabel):
        raise BmnasError(
            f"setting label_smoothing is for tasks with one class a sample; {task.name} is {task.objective.name}"
        )
    return _with_objective(task, replace(task.objective, label_smoothing=config.label_smoothing))


def _with_objective(task: Task, objective: Any) -> Task:
    """The task with another loss; its metric stays."""
    other = copy.copy(task)
    other.metric = task.metric
    other.objective = objective
    return other
