"""The losses of an epoch's steps, and the watch over what has become no number."""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from bmnas.fit.diverged import Diverged
from bmnas.searcher.hypernet.network import Phase
from bmnas.searcher.problem import Problem

_SPLIT: dict[Phase, str] = {"weights": "training", "architecture": "validation"}
_EVERY = 64  # steps on a GPU between two looks at the losses: a look waits for all that is under way


class Losses:
    """The losses of the steps of one epoch, each (K,).

    Args:
        problem: names the seeds and the settings in errors.

    Attributes:
        epoch: which one, from 1.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.epoch = 1
        self._steps: dict[Phase, list[Tensor]] = {phase: [] for phase in _SPLIT}

    def add(self, phase: Phase, losses_K: Tensor) -> None:
        """Raises `Diverged` where the loss is no number: at once on a CPU, a little later on a GPU."""
        steps = self._steps[phase]
        steps.append(losses_K)
        every = 1 if losses_K.device.type == "cpu" else _EVERY
        if len(steps) % every == 0:
            self._check(phase, len(steps) - every)

    def done(self, phase: Phase) -> int:
        """How many steps of the epoch are done."""
        return len(self._steps[phase])

    def means(self) -> dict[Phase, list[float]]:
        """The mean of each seed, of the phases that have had a step."""
        return {phase: torch.stack(steps).mean(0).tolist() for phase, steps in self._steps.items() if steps}

    def next_epoch(self) -> None:
        """Begin the next epoch with no steps."""
        self.epoch += 1
        self._steps = {phase: [] for phase in _SPLIT}

    def check(self, network: nn.Module) -> None:
        """Raise `Diverged` where the search has diverged, before a checkpoint is written.

        A gradient can be no number where the loss still is one; then the weights are not, although no loss says so yet.
        """
        for phase, steps in self._steps.items():
            if steps:
                self._check(phase)
        tensors = [*network.parameters(), *network.buffers()]
        if not torch.stack([tensor.detach().isfinite().all() for tensor in tensors]).all():
            phase = "architecture" if self._steps["architecture"] else "weights"
            self._diverged(phase, "a weight is no finite number", max(0, self.done(phase) - 1))

    def state(self) -> dict[str, Tensor]:
        """What `load_state` goes on from; each (steps, K)."""
        return {phase: torch.stack(steps) for phase, steps in self._steps.items() if steps}

    def load_state(self, state: dict[str, Any], epoch: int, device: torch.device) -> None:
        """Go on in that epoch, after those steps."""
        self.epoch = epoch
        self._steps = {phase: list(state[phase].to(device)) if phase in state else [] for phase in _SPLIT}

    def _check(self, phase: Phase, begin: int = 0) -> None:
        losses_SK = torch.stack(self._steps[phase][begin:])
        wrong = losses_SK.isfinite().logical_not().nonzero()
        if len(wrong):
            step, k = wrong[0].tolist()
            self._diverged(phase, f"the loss is {losses_SK[step, k].item()}", begin + step, k)

    def _diverged(self, phase: Phase, what: str, step: int, k: int | None = None) -> NoReturn:
        setting, seeds = "lr" if phase == "weights" else "arch_lr", self.problem.seeds
        seed = f" of seed {seeds[k]}" if k is not None and len(seeds) > 1 else ""
        raise Diverged(
            f"the search{seed} diverged: {what} in epoch {self.epoch}, at step {step + 1} on the {_SPLIT[phase]} "
            f"split; try a smaller {setting} than {getattr(self.problem.config, setting)}"
        )
