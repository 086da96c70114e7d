"""How a backbone is trained, goes on after a kill, and is evaluated; samples are in memory, see `source_training`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from bmnas.fit import evaluate
from bmnas.fit.checkpoint import SECONDS, Keeper
from bmnas.fit.events import EpochEnd, Pause
from bmnas.fit.fit import Fit, Phase
from bmnas.fit.micro_batches import MicroBatches
from bmnas.fit.order import Shuffles, batches
from bmnas.fit.schedule import Cosine
from bmnas.fit.seeding import seed_default, stream
from bmnas.tasks.progress import Progress, Report, Tick, silent

B = TypeVar("B", bound=Sized)


class Schooling(Protocol):
    """What a training needs to know of its settings, see `TrainingSettings`."""

    @property
    def epochs(self) -> int:
        """How many."""
        ...

    @property
    def learning_rate(self) -> float:
        """At the start."""
        ...

    @property
    def weight_decay(self) -> float:
        """Per unit of learning rate."""
        ...

    @property
    def seed(self) -> int:
        """Of all that is random in a step."""
        ...


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained with AdamW (Loshchilov and Hutter, ICLR 2019); without weight decay that is Adam.

    Attributes:
        epochs: passes over the samples.
        batch_size: samples a step.
        learning_rate: Adam's step size at the start; it falls to zero along a cosine.
        weight_decay: the share of a weight that is taken off at a step, per unit of learning rate.
        seed: of the order of the samples, and of whatever is random in the network.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    seed: int = 0


def train(
    module: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    settings: TrainingSettings,
    *,
    augment: Callable[[Tensor], Tensor] | None = None,
    device: str | torch.device = "cpu",
    phase: str = "training",
    report: Report = silent,
) -> None:
    """Train ``module`` in place; on return it is on ``device``, in train mode.

    Inside of `kept`, as in `Task.train_backbone`, a training that was killed goes on where it was.

    Args:
        module: maps a batch of inputs (B, ...) to outputs.
        inputs: (N, ...).
        labels: (N, ...).
        loss: ``loss(outputs, labels)`` is the mean over the batch.
        settings: how.
        augment: changes a batch of inputs at random before the module sees it; draws from torch's generators.
        device: where.
        phase: the name of this work in reports; one report an epoch.
        report: receives them.

    Raises:
        Diverged: a loss or a weight is no finite number.
    """
    where = torch.device(device)
    module.to(where)
    data = _Batch(inputs.to(where), labels.to(where))
    fitted(module, lambda: _fit(module, data, loss, settings, augment, where, phase), asdict(settings), report)


def fitted(module: nn.Module, new: Callable[[], Fit], of: Mapping[str, Any], report: Report) -> Fit:
    """Do a training of one phase, ``weights``, and report it; on return ``module`` is in train mode.

    Inside of `kept` it goes on where it was when it was killed.

    Args:
        module: what is trained, on its device.
        new: begins the training.
        of: what decides its result, as JSON values.
        report: receives an event at each epoch, and ticks.

    Raises:
        Diverged: a loss or a weight is no finite number.
    """
    kept_here = _kept.get()
    keeper = kept_here.next_keeper(dict(of)) if kept_here else None
    begun = {name: tensor.clone() for name, tensor in module.state_dict().items()} if keeper else {}

    def begin() -> Fit:
        if begun:
            module.load_state_dict(begun)
        return new()

    fit = keeper.resumed(begin) if keeper else begin()
    phase, epochs, info = fit.watch.subject, fit.epochs, ""
    report(Progress(phase, fit.epoch, epochs, "continued" if fit.passed else "", "epochs"))
    for event in keeper.steps(fit) if keeper else fit.steps():
        if isinstance(event, EpochEnd):
            info = f"loss {event.losses['weights']:.3f}"
            report(Progress(phase, event.epoch, epochs, info, "epochs"))
        elif isinstance(event, Pause):
            report(Tick(phase, fit.passed, epochs, info, "epochs"))
    if keeper and kept_here:
        kept_here.finished(keeper, fit)
    module.train()
    return fit


def cosine_fit(
    module: nn.Module,
    settings: Schooling,
    *,
    batches: Callable[[int, int], Iterable[B]],
    losses: Callable[[B], Callable[[slice], Tensor]],
    steps: int,
    device: torch.device,
    phase: str,
    scaler: torch.amp.GradScaler | None = None,
) -> Fit:
    """A training with AdamW whose step size falls along a cosine, as it begins.

    Args:
        module: what is trained, on ``device``.
        settings: how.
        batches: see `Phase`.
        losses: see `Phase`.
        steps: of an epoch.
        device: where.
        phase: the name of this work in reports and errors.
        scaler: see `Phase`.
    """
    optimizer = torch.optim.AdamW(module.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    weights = Phase(
        name="weights",
        parameters=list(module.parameters()),
        optimizer=optimizer,
        schedule=Cosine(optimizer, settings.epochs * steps),
        batches=batches,
        loss=losses,
        seed=lambda *place: seed_default(stream(settings.seed, *place), device),
        rate=settings.learning_rate,
        setting="learning_rate",
        steps=steps,
        scaler=scaler,
    )
    return Fit(module, [weights], epochs=settings.epochs, device=device, subject=phase)


def outputs_of(
    module: nn.Module, inputs: Tensor, *, device: str | torch.device = "cpu", batch_size: int = 256
) -> Tensor:
    """What ``module`` returns for the inputs (N, ...) in eval mode, on the CPU: (N, ...)."""
    where = torch.device(device)

    def forward(batch: Tensor, part: slice) -> Tensor:
        outputs: Tensor = module(batch[part].to(where)).cpu()
        return outputs

    return evaluate.outputs(module.to(where), forward, inputs.split(batch_size), MicroBatches(module, where))


@contextmanager
def kept(path: Path, of: Any, seconds: float = SECONDS) -> Iterator[None]:
    """Keep trainings inside the block in files beside ``path`` while they go on; a killed one then goes on from there.

    Each call of `train` has its own: what one has reached is not done again because a later one was killed. The files
    are removed at the end of the block.

    Args:
        path: what their names begin with.
        of: what decides the results, as JSON values; what was kept of something else is not gone on from.
        seconds: see `Keeper`.
    """
    here = _Kept(path, of, seconds)
    before = _kept.set(here)
    try:
        yield
    finally:
        _kept.reset(before)
    for keeper in here.keepers:
        keeper.remove()


class _Kept:
    """Where the trainings of one backbone are kept."""

    def __init__(self, path: Path, of: Any, seconds: float) -> None:
        self._path, self._of, self._seconds = path, of, seconds
        self.keepers: list[Keeper] = []

    def next_keeper(self, settings: dict[str, Any]) -> Keeper:
        number = len(self.keepers) + 1
        path = self._path.with_name(f"{self._path.name}.training-{number}.ckpt")
        self.keepers.append(Keeper(path, [self._of, settings], seconds=self._seconds))
        return self.keepers[-1]

    def finished(self, keeper: Keeper, fit: Fit) -> None:
        """Keep the end of a training that a checkpoint was worth writing for, should another training follow."""
        if keeper.path.exists():
            keeper.save(fit)


# A task trains its backbone by a method whose arguments say nothing of checkpoints.
_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@dataclass(frozen=True)
class _Batch:
    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor) -> _Batch:
        index = index.to(self.labels.device)
        return _Batch(self.inputs[index], self.labels[index])


def _fit(
    module: nn.Module,
    data: _Batch,
    loss: Callable[[Tensor, Tensor], Tensor],
    settings: TrainingSettings,
    augment: Callable[[Tensor], Tensor] | None,
    device: torch.device,
    phase: str,
) -> Fit:
    orders = Shuffles(len(data), settings.seed)

    def left(epoch: int, done: int) -> Iterator[_Batch]:
        return (data[chosen] for chosen in batches(orders[epoch], settings.batch_size)[done:])

    def losses(batch: _Batch) -> Callable[[slice], Tensor]:
        seen = batch.inputs if augment is None else augment(batch.inputs)
        return lambda part: loss(module(seen[part]), batch.labels[part])

    steps = len(batches(torch.arange(len(data)), settings.batch_size))
    return cosine_fit(module, settings, batches=left, losses=losses, steps=steps, device=device, phase=phase)
