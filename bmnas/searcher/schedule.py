"""How the step size of the weights falls during a search: a cosine, or what the released code does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch

from bmnas.fit.order import batches
from bmnas.searcher.official_schedule import OfficialCosine
from bmnas.searcher.settings import SearchSettings


class Schedule(ABC):
    """Sets an optimiser's step size before and after each of its steps."""

    @property
    @abstractmethod
    def lr(self) -> float:
        """The step size now."""

    def before_step(self) -> None:  # noqa: B027 - one that only steps afterwards leaves it as it is
        """Call before a step of the optimiser."""

    def after_step(self) -> None:  # noqa: B027 - and the other way round
        """Call after a step of the optimiser."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Plain values."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave."""


def schedule_of(
    config: SearchSettings, restart_epochs: int | None, optimizer: torch.optim.Optimizer, samples: int
) -> Schedule:
    """The schedule of a search on a training split of that many samples."""
    if restart_epochs is None:
        return Cosine(config, optimizer, samples)
    return Official(config, restart_epochs, optimizer, samples)


class Cosine(Schedule):
    """One half of a cosine over the whole search (Loshchilov and Hutter 2016, without restarts)."""

    def __init__(self, config: SearchSettings, optimizer: torch.optim.Optimizer, samples: int) -> None:
        steps = len(batches(torch.arange(samples), config.batch_size))
        self._cosine = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, config.epochs * steps, eta_min=config.min_lr
        )

    @property
    def lr(self) -> float:
        """See `Schedule.lr`."""
        return float(self._cosine.get_last_lr()[0])

    def after_step(self) -> None:
        """See `Schedule.after_step`."""
        self._cosine.step()

    def state_dict(self) -> dict[str, Any]:
        """See `Schedule.state_dict`."""
        return self._cosine.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Schedule.load_state_dict`."""
        self._cosine.load_state_dict(state)


class Official(Schedule):
    """The released code's, with warm restarts."""

    def __init__(
        self, config: SearchSettings, restart_epochs: int, optimizer: torch.optim.Optimizer, samples: int
    ) -> None:
        self._optimizer = optimizer
        self._cosine = OfficialCosine(
            config.lr, config.min_lr, batches_per_epoch=samples / config.batch_size, period=restart_epochs
        )

    @property
    def lr(self) -> float:
        """See `Schedule.lr`."""
        return self._cosine.lr

    def before_step(self) -> None:
        """See `Schedule.before_step`."""
        lr = self._cosine.step()
        for group in self._optimizer.param_groups:
            group["lr"] = lr

    def state_dict(self) -> dict[str, Any]:
        """See `Schedule.state_dict`."""
        return self._cosine.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Schedule.load_state_dict`."""
        self._cosine.load_state_dict(state)
