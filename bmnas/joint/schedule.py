"""Step sizes of several groups of weights: each rises, then falls along a cosine; some begin later."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from bmnas.fit.schedule import Schedule


class WarmCosine(Schedule):
    """For each group of an optimiser, a linear rise from 0 and one half of a cosine, as shares of its step size.

    Args:
        optimizer: whose groups have their greatest step sizes now.
        steps: of the whole training.
        warmup: steps of the rise.
        starts: by group, the step before which its size is 0; its rise and its cosine begin there.
        least: share that is left at the end.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, steps: int, *, warmup: int, starts: Sequence[int], least: float
    ) -> None:
        own = partial(_share, steps=steps, warmup=warmup, least=least)
        shares: list[Callable[[int], float]] = [partial(own, start=start) for start in starts]
        self._lambdas = torch.optim.lr_scheduler.LambdaLR(optimizer, shares)

    @property
    def lr(self) -> float:
        """See `Schedule.lr`; that of the first group."""
        return float(self._lambdas.get_last_lr()[0])

    def after_step(self) -> None:
        """See `Schedule.after_step`."""
        self._lambdas.step()

    def state_dict(self) -> dict[str, Any]:
        """See `Schedule.state_dict`."""
        return {"last_epoch": self._lambdas.last_epoch, "last_lr": list(self._lambdas.get_last_lr())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Schedule.load_state_dict`."""
        self._lambdas.last_epoch = int(state["last_epoch"])
        self._lambdas._last_lr = [float(rate) for rate in state["last_lr"]]


def _share(step: int, *, steps: int, warmup: int, start: int, least: float) -> float:
    """Of a group's step size, at a step from 0."""
    if step < start:
        return 0.0
    done, rise = step - start, max(1, min(warmup, steps - start))
    if done < warmup:
        return (done + 1) / (rise + 1)
    way = (done - warmup) / max(1, steps - start - warmup)
    return least + (1 - least) * (1 + math.cos(math.pi * min(1.0, way))) / 2
