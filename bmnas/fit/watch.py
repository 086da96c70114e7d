"""The losses of an epoch's steps, and the one watch over what has become no number.

Axes: K networks that are trained as one computation, S steps of an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from bmnas.errors import BmnasError


class Diverged(BmnasError):
    """A loss or a score is no number any more."""


_EVERY = 64  # steps on a GPU between two looks at the losses: a look waits for all that is under way


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A phase of a training, as an error names it.

    Attributes:
        name: of the phase.
        rate: the step size at the start.
        setting: what the step size is called where somebody sets it.
        where: what the steps are on, after a space: ``" on the training split"``; may be empty.
    """

    name: str
    rate: float
    setting: str = "lr"
    where: str = ""


class Watch:
    """The losses of the steps of one epoch, each () or (K,).

    Args:
        phases: of the training, in their order.
        subject: what is trained, as errors name it: ``"the search"``.
        whose: what each of the K networks is called: ``"seed 5"``; empty where there is one.

    Attributes:
        epoch: which one, from 1.
        subject: as given.
    """

    def __init__(self, phases: Sequence[Watched], subject: str, whose: Sequence[str] = ()) -> None:
        self.epoch = 1
        self._phases = {phase.name: phase for phase in phases}
        self.subject, self._whose = subject, whose
        self._steps: dict[str, list[Tensor]] = {name: [] for name in self._phases}

    def add(self, phase: str, losses: Tensor) -> None:
        """Raises `Diverged` where the loss is no number: at once on a CPU, a little later on a GPU."""
        steps = self._steps[phase]
        steps.append(losses)
        every = 1 if losses.device.type == "cpu" else _EVERY
        if len(steps) % every == 0:
            self._look(phase, len(steps) - every)

    def done(self, phase: str) -> int:
        """How many steps of the epoch are done."""
        return len(self._steps.get(phase, ()))

    def means(self) -> dict[str, Tensor]:
        """The mean loss of each phase that has had a step, () or (K,)."""
        return {phase: torch.stack(steps).mean(0) for phase, steps in self._steps.items() if steps}

    def next_epoch(self) -> None:
        """Begin the next epoch with no steps."""
        self.epoch += 1
        self._steps = {name: [] for name in self._phases}

    def check(self, tensors: Sequence[Tensor]) -> None:
        """Raise `Diverged` where the training has diverged, before a checkpoint is written.

        A gradient can be no number where the loss still is one; then the weights are not, although no loss says so yet.

        Args:
            tensors: weights and statistics that were finite numbers before.
        """
        for phase, steps in self._steps.items():
            if steps:
                self._look(phase)
        if not all(finite(tensors)):
            begun = [phase for phase, steps in self._steps.items() if steps]
            phase = begun[-1] if begun else next(iter(self._phases))
            self._diverged(phase, "a weight is no finite number", max(0, self.done(phase) - 1))

    def state(self) -> dict[str, Tensor]:
        """What `load_state` goes on from; each (S,) or (S, K)."""
        return {phase: torch.stack(steps) for phase, steps in self._steps.items() if steps}

    def load_state(self, state: dict[str, Any], epoch: int, device: torch.device) -> None:
        """Go on in that epoch, after those steps."""
        self.epoch = epoch
        self._steps = {name: list(state[name].to(device)) if name in state else [] for name in self._phases}

    def _look(self, phase: str, begin: int = 0) -> None:
        losses = torch.stack(self._steps[phase][begin:])
        wrong = losses.isfinite().logical_not().nonzero()
        if len(wrong):
            step, *k = wrong[0].tolist()
            self._diverged(phase, f"the loss is {losses[step, *k].item()}", begin + step, *k)

    def _diverged(self, phase: str, what: str, step: int, k: int | None = None) -> NoReturn:
        own = self._phases[phase]
        whose = f" of {self._whose[k]}" if k is not None and self._whose else ""
        raise Diverged(
            f"{self.subject}{whose} diverged: {what} in epoch {self.epoch}, at step {step + 1}{own.where}; "
            f"try a smaller {own.setting} than {own.rate}"
        )


@torch.no_grad()
def finite(tensors: Sequence[Tensor]) -> list[bool]:
    """Of each tensor, whether it has finite numbers alone; a GPU is waited for once."""
    if not tensors:
        return []
    answers: list[bool] = torch.stack([tensor.isfinite().all() for tensor in tensors]).tolist()
    return answers
