"""Features of which modalities are missing, or noisy: how much worse is a network without them?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.fit.seeding import stream
from bmnas.tasks import Data, Samples
from bmnas.tasks.missing import Average
from bmnas.tasks.names import named


@dataclass(frozen=True)
class Corruption:
    """What is done to features before a network reads them.

    A missing modality is its average over the training split in every sample, as in a training with missing modalities
    (`bmnas.tasks.missing` says why). Noise is Gaussian, σ standard deviations of each channel over the training split.

    Attributes:
        drop: modalities that are missing.
        noise: by modality, σ.
        seed: of the noise. A sample has the same noise in every batch and for every network.
    """

    drop: tuple[str, ...] = ()
    noise: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    seed: int = 0

    @classmethod
    def checked(cls, drop: Iterable[str], noise: Mapping[str, float], seed: int, modalities: Iterable[str]) -> Self:
        """One that some modalities can have.

        Raises:
            BmnasError: a modality is none of them, or is named twice, none is left, or a σ makes no sense.
        """
        there = list(modalities)
        where = "the network"
        gone = tuple(named(name, there, "modality", where) for name in drop)
        noisy = {named(name, there, "modality", where): sigma for name, sigma in noise.items()}
        for name in sorted(set(gone) & noisy.keys()):
            raise BmnasError(f"modality {name!r} is both dropped and noisy; choose one")
        if there and set(gone) == set(there):
            raise BmnasError(f"nothing is left without {', '.join(dict.fromkeys(gone))}")
        for name, sigma in noisy.items():
            if not (math.isfinite(sigma) and sigma >= 0):
                raise BmnasError(f"the noise of modality {name!r} is {sigma}; it is a number of deviations from 0")
        return cls(tuple(dict.fromkeys(gone)), noisy, seed)

    def __bool__(self) -> bool:
        return bool(self.drop or any(self.noise.values()))

    def sentence(self) -> str:
        """What is done, as a part of a sentence."""
        said = [f"without {name}" for name in self.drop]
        said += [f"{name} with noise of {sigma:g} deviations" for name, sigma in self.noise.items() if sigma]
        return ", ".join(said)

    def of(self, data: Data, averages: Mapping[str, Average], modalities: Mapping[str, str]) -> Data:
        """The data with it.

        Args:
            data: what is evaluated on.
            averages: by feature, over the training split.
            modalities: by feature, its modality.
        """
        return _Corrupted(data, self, averages, modalities) if self else data


class _Corrupted(Data):
    """Other data, with a corruption."""

    def __init__(
        self, data: Data, how: Corruption, averages: Mapping[str, Average], modalities: Mapping[str, str]
    ) -> None:
        self.device, self.labels, self._data = data.device, data.labels, data
        self._how, self._averages, self._modalities = how, averages, modalities

    def __len__(self) -> int:
        return len(self._data)

    def rows(self, generator: torch.Generator | None = None) -> Tensor:
        """See `Data.rows`."""
        return self._data.rows(generator)

    def batches(self, rows: Iterable[Tensor]) -> Iterator[Samples]:
        """See `Data.batches`."""
        wanted = list(rows)
        for own, batch in zip(wanted, self._data.batches(wanted), strict=True):
            features = {name: self._changed(name, feature, own) for name, feature in batch.features.items()}
            yield Samples(features, batch.labels)

    def _changed(self, name: str, feature: Tensor, rows: Tensor) -> Tensor:
        modality, average = self._modalities[name], self._averages[name]
        if modality in self._how.drop:
            return average.mean.to(feature).expand_as(feature)
        sigma = self._how.noise.get(modality, 0.0)
        if not sigma:
            return feature
        scale = sigma * average.deviation.to(feature).reshape(-1, *[1] * (feature.dim() - 2))
        return feature + scale * self._noise(name, feature, rows)

    def _noise(self, name: str, feature: Tensor, rows: Tensor) -> Tensor:
        generator, drawn = torch.Generator(), []
        for row in rows.tolist():
            generator.manual_seed(stream(self._how.seed, "noise", name, row))
            drawn.append(torch.randn(feature.shape[1:], generator=generator))
        return torch.stack(drawn).to(feature)
