"""The training of one encoder-decoder network, which can be stopped at any step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.fit.events import EpochEnd
from bmnas.fit.fit import Fit, Phase
from bmnas.fit.order import batches
from bmnas.fit.seeding import seed_default, shuffled, stream
from bmnas.joint.schedule import WarmCosine
from bmnas.pairs.settings import PairTrainConfig
from bmnas.searcher.fit_training import FitTraining
from bmnas.tasks.heads import Negatives, PairObjective
from bmnas.tasks.sequences import PairData


class PairSteps:
    """The batches of a training, and the loss of one; what is random in it depends on seed, names, epoch and step.

    Args:
        network: is asked which wrong pairs are hard, before an epoch.
        objective: of the task.
        data: pairs.
        batch_size: of a batch.
        seed: with ``names``, of the order and of what is drawn.
        device: where the network is.
        rows: of the data; all if left out.

    Attributes:
        negatives: what `PairObjective.prepared` has said for the epoch that is under way.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: PairObjective,
        data: PairData,
        batch_size: int,
        seed: int,
        *names: object,
        device: torch.device,
        rows: Tensor | None = None,
    ) -> None:
        self._network, self._objective, self._data = network, objective, data
        self._size, self._seed, self._names, self._device = batch_size, seed, names, device
        self._rows = torch.arange(len(data)) if rows is None else rows
        self.negatives: Negatives | None = None
        self._of = 0

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return len(batches(self._rows, self._size))

    def left(self, epoch: int, done: int) -> Iterator[Tensor]:
        """The rows of the batches of an epoch, from 1, that are left after so many."""
        if not done or self._of != epoch:
            generator = torch.Generator().manual_seed(stream(self._seed, *self._names, "negatives", epoch))
            self.negatives = self._objective.prepared(self._network, self._data, generator)
            self._of = epoch
            self._network.train()
        order = self._rows[shuffled(len(self._rows), self._seed, *self._names, epoch)]
        return iter(batches(order, self._size)[done:])

    def loss(self, rows: Tensor) -> Callable[[slice], Tensor]:
        """The mean loss of some rows of a batch."""

        def of(part: slice) -> Tensor:
            # Seeded by the place of the step, from which the default generator goes on.
            generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
            batch = self._objective.batch(self._data, rows[part], generator, self.negatives)
            return self._objective.loss(self._network, batch.to(self._device))

        return of

    def state(self) -> dict[str, Any]:
        """What the rest of an epoch depends on."""
        if self.negatives is None:
            return {"epoch": self._of}
        return {"epoch": self._of, "texts": self.negatives.texts, "images": self.negatives.images}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self._of = int(state["epoch"])
        self.negatives = Negatives(state["texts"], state["images"]) if "texts" in state else None


class PairTraining(FitTraining):
    """Trains a network in place.

    Args:
        network: on ``device``.
        objective: of the task.
        data: what it is trained on.
        config: the settings.
        device: where.
        title: what it is called.
        names: with the seed of the settings, of everything random.

    Attributes:
        network: as given.
        fit: what trains it.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: PairObjective,
        data: PairData,
        config: PairTrainConfig,
        *names: object,
        device: torch.device,
        title: str,
    ) -> None:
        super().__init__(title)
        self.network, self._epochs = network, config.epochs
        self._steps = PairSteps(network, objective, data, config.batch_size, config.seed, *names, device=device)
        weights = [each for each in network.parameters() if each.requires_grad]
        optimizer = weight_optimizer(weights, config)
        count = len(self._steps)
        phase = Phase(
            name="weights",
            parameters=weights,
            optimizer=optimizer,
            schedule=weight_schedule(optimizer, config, count * config.epochs),
            batches=self._steps.left,
            loss=self._steps.loss,
            seed=lambda *place: seed_default(stream(config.seed, *names, "step", *place), device),
            rate=config.lr,
            where=" on the training split",
            steps=count,
        )
        self.fit = Fit(network, [phase], epochs=config.epochs, device=device, subject=f"the training of {title}")

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on: tensors and plain values only."""
        return {"fit": self.fit.state(), "steps": self._steps.state(), "clock": self._clock.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave; any exception where it is no such thing."""
        self.fit.load_state(state["fit"])
        self._steps.load_state(state["steps"])
        self._clock.load_state(state["clock"])

    def finished(self) -> nn.Module:
        """The network, when all steps are done."""
        self._clock.lap()
        return self.network.eval()

    def _epoch_done(self, event: EpochEnd) -> float:
        return float(event.losses["weights"])


def weight_optimizer(weights: list[nn.Parameter], config: PairTrainConfig) -> torch.optim.Optimizer:
    """Adam as MMnas has it, with its gradients cut. Weights without a gradient stay as they are."""
    optimizer = torch.optim.Adam(
        weights, lr=config.lr, betas=(0.9, 0.98), eps=1e-9, weight_decay=config.weight_decay, fused=True
    )
    if config.clip:

        def clip(*_: object) -> None:
            nn.utils.clip_grad_norm_([each for each in weights if each.grad is not None], config.clip)

        optimizer.register_step_pre_hook(clip)
    return optimizer


def weight_schedule(optimizer: torch.optim.Optimizer, config: PairTrainConfig, steps: int) -> WarmCosine:
    """A rise over a share of the steps, then a cosine to a thousandth."""
    return WarmCosine(optimizer, steps, warmup=round(config.warmup * steps), starts=[0], least=1e-3)
