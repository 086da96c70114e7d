"""Watches against collapse: operations that have nothing to learn, and the curvature of the validation loss.

A gradient search can drift to operations without weights, which are quick to be good (`parameter_free`). `Sharpness` is
the dominant eigenvalue of the Hessian of the validation loss in alpha, beta and gamma.

Where it grows fast, the architecture that is derived is much worse than the hypernet (Zela et al., "Understanding and
Robustifying Differentiable Architecture Search", ICLR 2020). Their rule stops a search where the mean of the last five
epochs has grown by a third within five epochs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bmnas.genotype import Genotype
from bmnas.genotype.lookup import find
from bmnas.searcher.hypernet import Hypernet

WINDOW, LEAST_RATIO = 5, 0.75


def parameter_free(genotype: Genotype) -> float:
    """Share of the steps whose operation says that it has no weights: where it nears 1, a search has collapsed."""
    steps = [step for cell in genotype.cells for step in cell.steps]
    return sum(not find(step.op).weights for step in steps) / len(steps)


class Sharpness:
    """The eigenvalues of every epoch, and which seeds have stopped.

    Args:
        seeds: K.
    """

    def __init__(self, seeds: int) -> None:
        self._history: list[list[float]] = [[] for _ in range(seeds)]

    @property
    def stopped(self) -> list[bool]:
        """Of each seed, whether its search should not go on. Its eigenvalues are then not noted any more."""
        return [_has_grown(values) for values in self._history]

    def measure(self, hypernet: Hypernet, losses: Callable[[], Tensor]) -> list[float]:
        """Measure after an epoch.

        Args:
            hypernet: of all seeds.
            losses: gives the validation loss of each seed, (K,); called in eval mode.

        Returns:
            The dominant eigenvalue of each seed.
        """
        hypernet.eval()
        values = dominant_eigenvalues(losses(), hypernet.architecture())
        for history, value, stopped in zip(self._history, values, self.stopped, strict=True):
            if not stopped:
                history.append(value)
        return values

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {"history": self._history}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave."""
        self._history = [[float(value) for value in values] for values in state["history"]]


def dominant_eigenvalues(losses_K: Tensor, parameters: list[torch.nn.Parameter]) -> list[float]:
    """The greatest eigenvalue of each seed's Hessian, exact.

    Args:
        losses_K: the loss of each seed, which depends on its own part of the parameters alone.
        parameters: tensors (K, ...).
    """
    seeds = len(losses_K)
    gradients = torch.autograd.grad(losses_K.sum(), parameters, create_graph=True)
    gradient_KA = torch.cat([gradient.reshape(seeds, -1) for gradient in gradients], 1)
    rows = []
    for entry_K in gradient_KA.unbind(1):
        second = torch.autograd.grad(entry_K.sum(), parameters, retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([part.reshape(seeds, -1) for part in second], 1))
    hessian_KAA = torch.stack(rows, 1).double().cpu()
    return torch.linalg.eigvalsh((hessian_KAA + hessian_KAA.mT) / 2)[:, -1].tolist()


def _has_grown(values: list[float]) -> bool:
    if len(values) < 2 * WINDOW:
        return False
    before, now = values[-2 * WINDOW : -WINDOW], values[-WINDOW:]
    return sum(now) > 0 and sum(before) / sum(now) < LEAST_RATIO
