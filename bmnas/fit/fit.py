"""`Fit`: the training of a network, a step at a time; it can be stopped after any of them and goes on as if it had not.

A training has phases, which alternate by epoch: a hypernet has weight steps on one split and architecture steps on
another, any other network has one. What is random depends on seeds and on the place of a step (phase, epoch, number)
alone, so a state has no generator's state: tensors and plain values are all there is.

Axes: K networks that are trained as one computation, B batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from bmnas.fit.events import EpochEnd, MicroBatch, Pause
from bmnas.fit.graphs import Graphs, Inputs
from bmnas.fit.memory import keep_freed_memory
from bmnas.fit.micro_batches import MicroBatches
from bmnas.fit.mixed_precision import with_gradient_scaled
from bmnas.fit.schedule import Schedule
from bmnas.fit.seeding import seeded
from bmnas.fit.watch import Watch, Watched, finite

Batch = TypeVar("Batch", bound=Sized)


@dataclass(frozen=True, kw_only=True)
class Phase(Watched, Generic[Batch]):
    """One kind of step.

    Attributes:
        parameters: what its steps change.
        optimizer: of those parameters.
        schedule: of the optimiser's step size; ``None`` where it stays.
        batches: ``batches(epoch, done)`` gives those of an epoch, from 1, that are left after so many.
        loss: ``loss(batch)(part)`` is the mean loss over some samples of a batch, () or (K,). ``loss(batch)`` is
            asked for each part with the random numbers of the whole step, so what it draws is the same for all.
        seed: ``seed(epoch, step)`` seeds all that is random in a step by its place, ``seed(epoch, step, start)`` in
            the later parts of a batch that had to be divided.
        context: what the steps are done in.
        stepped: called with its batch after each step.
        recordable: what a CUDA graph needs of a batch: inputs, and the loss as a function of them.
        steps: how many an epoch has, for those who show how far it is.
        scaler: scales the gradients of steps that compute in numbers so short that small ones would vanish.
    """

    parameters: Sequence[nn.Parameter]
    optimizer: torch.optim.Optimizer
    batches: Callable[[int, int], Iterable[Batch]]
    loss: Callable[[Batch], Callable[[slice], Tensor]]
    seed: Callable[..., None]
    schedule: Schedule | None = None
    context: Callable[[], AbstractContextManager[None]] = nullcontext
    stepped: Callable[[Batch], None] | None = None
    recordable: Callable[[Batch], tuple[Inputs, Callable[[Inputs], Tensor]]] | None = None
    steps: int = 0
    scaler: torch.amp.GradScaler | None = None


class Fit:
    """Trains a network in place.

    Args:
        network: on ``device``.
        phases: in their order within an epoch.
        epochs: of the whole training.
        device: where it is done.
        subject: what is trained, as errors name it.
        whose: what each of the K networks is called in errors; empty where there is one.
        graphs: records and replays the steps of phases that are recordable.

    Attributes:
        phases: by name, in their order.
        epoch: how many epochs are done.
        micro: how many samples go through the network at once.
        watch: the losses of the epoch that is under way.
        graphs: as given.
    """

    def __init__(
        self,
        network: nn.Module,
        phases: Sequence[Phase[Any]],
        *,
        epochs: int,
        device: torch.device,
        subject: str,
        whose: Sequence[str] = (),
        graphs: Graphs | None = None,
    ) -> None:
        if device.type == "cpu":
            keep_freed_memory()
        self.network, self.device, self.epochs = network, device, epochs
        self.epoch = 0
        self.micro = MicroBatches(network, device)
        self.watch = Watch(phases, subject, whose)
        self.phases = {phase.name: phase for phase in phases}
        self.graphs = graphs
        # A mask of a backbone's own may be infinite from the beginning.
        tensors = [*network.parameters(), *network.buffers()]
        self._watched = [tensor for tensor, good in zip(tensors, finite(tensors), strict=True) if good]

    def steps(self) -> Iterator[Pause | MicroBatch | EpochEnd]:
        """Do what remains of the training.

        A `Pause` follows each step and each epoch; there `state` is all there is to know.

        Raises:
            Diverged: a loss or a weight is no finite number.
            OutOfMemory: not even the smallest part of a batch fits.
        """
        while self.epoch < self.epochs:
            losses = yield from self.rest_of_epoch()
            yield EpochEnd(epoch=self.epoch, losses={name: loss.tolist() for name, loss in losses.items()})
            yield Pause(save=True)

    def rest_of_epoch(self) -> Generator[Pause | MicroBatch, None, dict[str, Tensor]]:
        """Do what remains of the epoch that is under way. Returns its mean loss by phase, each () or (K,)."""
        with seeded(0, self.device):
            for name in self.phases:
                yield from self.steps_of(name)
        self.watch.check(self._watched)
        losses = self.watch.means()
        self.epoch += 1
        self.watch.next_epoch()
        return losses

    def steps_of(self, name: str) -> Iterator[Pause | MicroBatch]:
        """Do what remains of one phase of the epoch that is under way."""
        phase = self.phases[name]
        self.network.train()
        with phase.context():
            for batch in phase.batches(self.epoch + 1, self.done(name)):
                self._step(phase, batch)
                yield from self.micro.news()
                yield Pause()

    def done(self, phase: str) -> int:
        """How many steps of a phase are done in the epoch that is under way."""
        return self.watch.done(phase)

    @property
    def passed(self) -> float:
        """How many epochs are done, with the share of the one that is under way."""
        steps = sum(phase.steps for phase in self.phases.values())
        done = sum(self.done(name) for name, phase in self.phases.items() if phase.steps)
        return self.epoch + (min(1.0, done / steps) if steps else 0.0)

    @property
    def place(self) -> str:
        """Where a training of one phase stands, as a part of a sentence."""
        steps = self.done(next(iter(self.phases)))
        if not steps:
            return f"after epoch {self.epoch} of {self.epochs}" if self.epoch else "before the first step"
        return f"in epoch {self.epoch + 1} of {self.epochs}, after {steps} steps"

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on: tensors and plain values only.

        Raises:
            Diverged: a loss or a weight is no finite number.
        """
        self.watch.check(self._watched)
        scalers = {phase.name: phase.scaler.state_dict() for phase in self.phases.values() if phase.scaler}
        return {
            "network": self.network.state_dict(),
            "optimizers": {phase.name: phase.optimizer.state_dict() for phase in self.phases.values()},
            "schedules": {phase.name: phase.schedule.state_dict() for phase in self.phases.values() if phase.schedule},
            "epoch": self.epoch,
            "losses": self.watch.state(),
            "micro_batch": self.micro.size,
            **({"scalers": scalers} if scalers else {}),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        self.network.load_state_dict(state["network"])
        for name, phase in self.phases.items():
            phase.optimizer.load_state_dict(state["optimizers"][name])
            if phase.schedule:
                phase.schedule.load_state_dict(state["schedules"][name])
            if phase.scaler and name in state.get("scalers", {}):  # it may have begun in longer numbers
                phase.scaler.load_state_dict(state["scalers"][name])
        self.epoch = int(state["epoch"])
        self.watch.load_state(state["losses"], self.epoch + 1, self.device)
        self.micro.resume(state["micro_batch"])

    def _step(self, phase: Phase[Batch], batch: Batch) -> None:
        place = (self.epoch + 1, self.done(phase.name))

        def loss(part: slice) -> Tensor:
            phase.seed(*place)
            own = phase.loss(batch)
            if part.start:
                phase.seed(*place, part.start)
            return with_gradient_scaled(own(part), phase.scaler) if phase.scaler else own(part)

        if phase.schedule:
            phase.schedule.before_step()
        losses = self._replayed(phase, batch, place)
        if losses is None:
            losses = self.micro.gradients(phase.parameters, loss, len(batch))
        if phase.scaler:
            phase.scaler.step(phase.optimizer)
            phase.scaler.update()
        else:
            phase.optimizer.step()
        self.watch.add(phase.name, losses)
        if phase.schedule:
            phase.schedule.after_step()
        if phase.stepped:
            phase.stepped(batch)

    def _replayed(self, phase: Phase[Batch], batch: Batch, place: tuple[int, int]) -> Tensor | None:
        """The losses of a step that a CUDA graph computes; ``None`` where none does."""
        if self.graphs is None or phase.recordable is None or self.micro.size is not None:
            return None
        inputs, loss = phase.recordable(batch)
        phase.seed(*place)
        return self.graphs.gradients((phase.name, len(batch)), inputs, phase.parameters, loss)
