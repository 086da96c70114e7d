"""What stands for a modality that a sample does not have, and a training in which samples lose modalities.

A missing modality is replaced by its features averaged over the training split, (C, T) each: the mean is what is
expected of a sample of which nothing is known, so a linear head adds a constant and says nothing for or against a
class, and every channel stays in the range that a network was trained on. Zeros would not do: for most features zero is
an unusual value that means something. It is the same in a training (`ModalityDropout`) and in an evaluation
(`bmnas.evaluation.Corruption`), so what is trained is what is tested. Axes: B batch, C channels, T positions, M
modalities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bmnas.tasks.store import Data, Samples

_BATCH = 1024


@dataclass(frozen=True, eq=False)
class Average:
    """A feature of the average sample.

    Attributes:
        mean: over samples, (C, T) or (C, s, s), 32-bit floats on the data's device.
        deviation: of each channel over samples and positions, (C,), likewise.
    """

    mean: Tensor
    deviation: Tensor


def averages(data: Data) -> dict[str, Average]:
    """Those of all features of a split, by name. Sums are of 64 bits, around the first sample.

    Args:
        data: the training split.
    """
    around: dict[str, Tensor] = {}
    sums: dict[str, Tensor] = {}
    squares: dict[str, Tensor] = {}
    for batch in data.batches(data.rows().split(_BATCH)):
        for name, feature in batch.features.items():
            x = feature.double()
            if name not in around:
                around[name] = x[0].clone()
                sums[name], squares[name] = torch.zeros_like(x[0]), torch.zeros_like(x[0])
            x = x - around[name]
            sums[name] += x.sum(0)
            squares[name] += x.square().sum(0)
    count = len(data)
    return {name: _average(around[name], sums[name] / count, squares[name] / count) for name in around}


def _average(around: Tensor, mean: Tensor, squares: Tensor) -> Average:
    """From the means of x - around and of its squares, each (C, ...)."""
    whole = around + mean
    # Of a channel: what is within positions, and what is between them.
    within = (squares - mean.square()).clamp(min=0).flatten(1).mean(1)
    between = whole.flatten(1).var(1, unbiased=False)
    return Average(whole.float(), (within + between).sqrt().float())


class ModalityDropout:
    """Lets samples of a batch lose modalities: each with a probability, none of them all.

    Where a sample would lose all, one of them stays, any with the same probability; of one modality alone nothing is
    ever lost. Only batches that are trained on come here: a network in eval mode has all that its samples have.

    Args:
        p: the probability.
        modalities: by feature, its modality.
        means: by feature, what stands for it where it is lost, see `Average`.

    Attributes:
        means: as given.
    """

    def __init__(self, p: float, modalities: Mapping[str, str], means: Mapping[str, Tensor]) -> None:
        self.means, self._p, self._modalities = means, p, modalities
        self._order = list(dict.fromkeys(modalities.values()))

    def lost(self, count: int, seed: int) -> Tensor:
        """Which modalities each of so many samples loses, (B, M) on the CPU; the seed alone determines it."""
        generator = torch.Generator().manual_seed(seed)
        lost_BM = torch.rand(count, len(self._order), generator=generator) < self._p
        stays = torch.randint(len(self._order), (count,), generator=generator)
        lost_BM[torch.arange(count), stays] &= ~lost_BM.all(1)
        return lost_BM

    def __call__(self, samples: Samples, *seeds: int) -> Samples:
        """The samples with what is lost replaced.

        Args:
            samples: a batch; with several seeds, as many equal parts.
            seeds: of what each part loses.
        """
        lost_BM = torch.cat([self.lost(len(samples) // len(seeds), seed) for seed in seeds])
        features = dict(samples.features)  # others are not read
        for name, modality in self._modalities.items():
            feature = features[name]
            lost_B = lost_BM[:, self._order.index(modality)].to(feature.device)
            features[name] = torch.where(lost_B.reshape(-1, *[1] * (feature.dim() - 1)), self.means[name], feature)
        return Samples(features, samples.labels)
