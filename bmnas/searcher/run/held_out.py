"""How trainings do on samples that they were not given: after some of their epochs, at some temperatures.

What a network has to say of new samples is often best long before its training ends, and it is often too sure of it.
Both show on samples that were held out, and are chosen by them: when to stop, and by what to divide the outputs (Guo et
al., On Calibration of Modern Neural Networks, ICML 2017). Axes: N samples, P epochs, T temperatures, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bmnas.evaluation.sample_losses import losses
from bmnas.searcher.calibration import temperatures
from bmnas.tasks import Task

# So many looks in a row that were no better: what comes then is not worth its time.
_PATIENCE = 4


def looks(epochs: int) -> tuple[int, ...]:
    """After which epochs samples are looked at: 0, 1, 2, 3, 4, 6, 8, 11, ..., and the last one."""
    found, wish = [0], 1.0
    while round(wish) < epochs:
        if round(wish) > found[-1]:
            found.append(round(wish))
        wish *= 2**0.5
    return tuple(found if epochs == 0 else [*found, epochs])


def losses_at(task: Task, outputs: Tensor, labels: Tensor) -> Tensor:
    """Of outputs (N, O), each sample's loss at each temperature, (T, N)."""
    return torch.stack([losses(task, outputs / each, labels).float() for each in temperatures(task)]).cpu()


@dataclass(frozen=True)
class Held:
    """Of trainings that go side by side, each without some of the samples.

    Attributes:
        epochs: after which ones was looked, P of them.
        losses: of all samples that one of them was not given, (P, T, N).
        scores: by the task's metric, the mean over trainings by their numbers of such samples, (P,).
    """

    epochs: tuple[int, ...]
    losses: Tensor
    scores: tuple[float, ...]

    def is_past_its_best(self, epochs: int) -> bool:
        """Whether the last looks, a few of them, were all worse than an earlier one, in the second half of a training.

        In the first half that says nothing: what only features together tell is learnt late, and until then the best
        of all is to say nothing.

        Args:
            epochs: of the whole training.
        """
        best = self.losses.mean(2).amin(1)
        is_worse = len(best) > _PATIENCE and int(best.argmin()) < len(best) - _PATIENCE
        return is_worse and 2 * self.epochs[-1] >= epochs

    def then(self, later: Held) -> Held:
        """With later looks behind."""
        losses = torch.cat([self.losses, later.losses])
        return Held((*self.epochs, *later.epochs), losses, (*self.scores, *later.scores))

    def state(self) -> dict[str, Any]:
        """As tensors and plain values."""
        return {"epochs": self.epochs, "losses": self.losses, "scores": self.scores}

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> Held:
        """What `state` gave; any exception where it is no such thing."""
        return cls(tuple(map(int, state["epochs"])), torch.as_tensor(state["losses"]), tuple(state["scores"]))


@dataclass(frozen=True)
class Stop:
    """When to stop, and how sure to be.

    Attributes:
        epoch: after which the loss of all samples was smallest.
        temperature: at which it was.
        score: by the task's metric, there.
    """

    epoch: int
    temperature: float
    score: float


def together(parts: Sequence[Held]) -> Held:
    """What was seen of parts of the samples, as far as all were looked at."""
    count = min(len(part.epochs) for part in parts)
    losses_PTN = torch.cat([part.losses[:count] for part in parts], 2)
    sizes = [part.losses.shape[2] for part in parts]
    scores = [
        sum(part.scores[look] * size for part, size in zip(parts, sizes, strict=True)) / sum(sizes)
        for look in range(count)
    ]
    return Held(parts[0].epochs[:count], losses_PTN, tuple(scores))


def best_stop(held: Held, temperatures: Sequence[float]) -> Stop:
    """Where the mean loss of all samples is smallest; of equals the first."""
    means_PT = held.losses.double().mean(2)
    look, degree = divmod(int(means_PT.argmin()), means_PT.shape[1])
    return Stop(held.epochs[look], temperatures[degree], held.scores[look])


def fair_losses(forms: Sequence[Held], fold_N: Tensor) -> Tensor:
    """Each sample's loss where the samples of the other folds say which form is best, when to stop, how sure to be.

    The smallest of many losses is smaller than what new samples will have. Where samples are not asked themselves,
    their losses are as good as those of new ones, however many there are to choose from.

    Args:
        forms: of one candidate, each looked at with the same samples.
        fold_N: the fold of each sample, (N,); where there is one alone, its samples are asked.

    Returns:
        (N,), in 64 bits.
    """
    of_forms = [form.losses.double() for form in forms]
    found = torch.empty(len(fold_N), dtype=torch.float64)
    for fold in fold_N.unique().tolist():
        own = fold_N == fold
        asked = own if bool(own.all()) else ~own
        means = [losses_PTN[:, :, asked].mean(2).flatten() for losses_PTN in of_forms]
        best = min(range(len(means)), key=lambda form: float(means[form].min()))
        found[own] = of_forms[best].flatten(0, 1)[means[best].argmin()][own]
    return found
