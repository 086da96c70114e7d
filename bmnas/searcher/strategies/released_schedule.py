"""The step size of the weights as the released code lets it fall: a cosine with warm restarts that can be missed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from bmnas.fit.schedule import Schedule

# A restart comes only where the cosine is as near to its end as this; between two steps it may pass by the end.
_AT_THE_END = 1e-10


class OfficialCosine:
    """Cosine annealing with warm restarts (Loshchilov and Hutter 2016), stepped before each step of the optimiser.

    In the t-th step after a restart, with period P in epochs and B batches in an epoch, the step size is

        min_lr + (lr - min_lr) · (1 + cos(π · t / (B · P))) / 2,    t = 0, 1, ...

    The step whose size is within 1e-10 of ``min_lr`` is the last before a restart, from which the period is longer by
    ``factor``. B is what the released code takes: samples / batch size, which need not be whole; then a restart can be
    missed, and the step size rises again as slowly as it fell.

    Args:
        lr: the greatest step size.
        min_lr: the least.
        batches_per_epoch: B, training samples / batch size.
        period: P up to the first restart, in epochs; the released code has 1 for NTU and MM-IMDB, 5 for EgoGesture.
        factor: by which P grows at a restart.

    Attributes:
        lr: the step size that `step` gave last; the greatest before the first step.

    Example:
        >>> schedule = OfficialCosine(1.0, 0.0, batches_per_epoch=2)
        >>> [round(schedule.step(), 3) for _ in range(8)]
        [1.0, 0.5, 0.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(
        self, lr: float, min_lr: float, batches_per_epoch: float, *, period: float = 1, factor: float = 2
    ) -> None:
        self._greatest, self._least = lr, min_lr
        self._batches, self._factor = batches_per_epoch, factor
        self._period, self._steps = float(period), 0
        self.lr = lr

    def step(self) -> float:
        """The step size of the optimiser's next step."""
        phase = self._steps / self._batches / self._period
        self.lr = self._least + (self._greatest - self._least) * (1 + math.cos(math.pi * phase)) / 2
        self._steps += 1
        if self.lr <= self._least + _AT_THE_END:
            self._steps, self._period = 0, self._period * self._factor
        return self.lr

    def state_dict(self) -> dict[str, Any]:
        """What changes from step to step, as plain values."""
        return {"lr": self.lr, "steps": self._steps, "period": self._period}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave."""
        self.lr, self._steps, self._period = float(state["lr"]), int(state["steps"]), float(state["period"])


class ReleasedSchedule(Schedule):
    """`OfficialCosine` on an optimiser; arguments but the optimiser are its own."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, lr: float, min_lr: float, batches_per_epoch: float, *, period: float = 1
    ) -> None:
        self._optimizer = optimizer
        self._cosine = OfficialCosine(lr, min_lr, batches_per_epoch, period=period)

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
