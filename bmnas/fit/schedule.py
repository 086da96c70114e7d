"""How the step size of the weights falls during a training: a cosine, unless a strategy has its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch


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


class Cosine(Schedule):
    """One half of a cosine over the whole training (Loshchilov and Hutter 2016, without restarts).

    Args:
        optimizer: whose step size falls, from the one that it has now.
        steps: of the whole training.
        least: the step size at the end.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, steps: int, least: float = 0.0) -> None:
        self._cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=least)

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
