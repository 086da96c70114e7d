"""Two systems that were trained with several seeds each, on the same test samples.

A sample's difference is its mean over the seeds. Samples of one group, such as those of one person, count as one. The
tests are of new samples (or groups), the networks being those that were trained. Axes: K seeds, N samples, O outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bmnas.evaluation.exact import sign_flip, sums_of
from bmnas.evaluation.paired import paired, smallest_accuracy, smallest_mean
from bmnas.evaluation.sample_losses import losses, right
from bmnas.tasks import Task


@dataclass(frozen=True)
class Apart:
    """How far one system is from another; above 0 the first one is better.

    Attributes:
        of: what is compared: ``"accuracy"``, or ``"loss"`` where labels are not one class for each sample.
        mean: of the samples' differences.
        low: of its 95 % interval, by Student's t over samples or groups.
        high: likewise.
        p: two-sided: of accuracies the exact test by flipping signs, of losses a t-test.
        smallest: the smallest difference that such a test shows with a power of 80 %; ``None`` where it can show none.
    """

    of: str
    mean: float
    low: float
    high: float
    p: float
    smallest: float | None


def apart(task: Task, one: Tensor, other: Tensor, labels: Tensor, groups: Tensor | None = None) -> Apart:
    """Compare two systems.

    Args:
        task: gives the objective.
        one: what the one says with each seed, (K, N, O).
        other: likewise; with as many seeds, or others.
        labels: of the samples.
        groups: (N,) numbers, where samples are of groups.
    """
    if groups is not None and len(groups.unique()) < 2:
        groups = None
    first, second = _right(task, one, labels), _right(task, other, labels)
    if first is not None and second is not None:
        return _of_accuracy(first, second, groups)
    differences = _losses(task, other, labels) - _losses(task, one, labels)
    mean, error, above = paired(differences, groups)
    low, high = _interval(mean, error, _units(len(labels), groups))
    count = _units(len(labels), groups)
    smallest = smallest_mean(1, error) if count > 1 and error > 0 else None
    return Apart("loss", mean, low, high, min(1.0, 2 * min(above, 1 - above)), smallest)


def _of_accuracy(one_KN: Tensor, other_KN: Tensor, groups: Tensor | None) -> Apart:
    mean_N = one_KN.double().mean(0) - other_KN.double().mean(0)
    mean, error, _ = paired(mean_N, groups)
    low, high = _interval(mean, error, _units(len(mean_N), groups))
    # Whole numbers, as the exact test wants them: sums over all pairs of seeds.
    whole = (one_KN.sum(0) * len(other_KN) - other_KN.sum(0) * len(one_KN)).numpy()
    clusters = np.arange(len(whole)) if groups is None else groups.numpy()
    p = min(1.0, 2 * min(sign_flip(sums_of(whole, clusters))))
    discordant = float((one_KN[0] != other_KN[0]).double().mean())
    smallest = smallest_accuracy(len(mean_N), discordant) if groups is None else smallest_mean(1, error)
    return Apart("accuracy", mean, low, high, p, smallest)


def _right(task: Task, outputs_KNO: Tensor, labels: Tensor) -> Tensor | None:
    each = [right(task, outputs, labels) for outputs in outputs_KNO]
    known = [answers.long() for answers in each if answers is not None]
    return torch.stack(known) if len(known) == len(each) else None


def _losses(task: Task, outputs_KNO: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([losses(task, outputs, labels) for outputs in outputs_KNO]).mean(0)


def _units(samples: int, groups: Tensor | None) -> int:
    return samples if groups is None else len(groups.unique())


def _interval(mean: float, error: float, count: int) -> tuple[float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(max(1, count - 1), 0.975)) * error
    return mean - half, mean + half
