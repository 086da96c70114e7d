"""A batch of each of K networks that are trained as one, and parts of it where memory is short."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from torch import Tensor

from bmnas.tasks import Samples

Features = Mapping[str, Tensor]
Prepared = TypeVar("Prepared")


class SeedBatch(Generic[Prepared]):
    """Features and labels of one batch of each network, or seed.

    Args:
        features: by name, each (K, B, ...).
        labels: (K, B) or (K, B, outputs).
        prepare: what several passes over a part need once, see `bmnas.searcher.hypernet.Hypernet.prepared`.

    Attributes:
        whole: the features.
    """

    def __init__(
        self, features: Features, labels: Tensor, prepare: Callable[[Features], Prepared] | None = None
    ) -> None:
        self.whole, self._labels, self._prepare = features, labels, prepare
        self._prepared: dict[tuple[int, int], Prepared] = {}

    def __len__(self) -> int:
        """B."""
        return self._labels.shape[1]

    @classmethod
    def of_rows(
        cls, samples: Samples, seeds: int, prepare: Callable[[Features], Prepared] | None = None
    ) -> SeedBatch[Prepared]:
        """From the rows of all seeds, one seed after the other, (K·B, ...)."""
        features = {name: feature.unflatten(0, (seeds, -1)) for name, feature in samples.features.items()}
        return cls(features, samples.labels.unflatten(0, (seeds, -1)), prepare)

    @classmethod
    def for_all(cls, samples: Samples, seeds: int) -> SeedBatch[Prepared]:
        """The same samples for every seed, from (B, ...)."""
        features = {name: feature.expand(seeds, *feature.shape) for name, feature in samples.features.items()}
        return cls(features, samples.labels.expand(seeds, *samples.labels.shape))

    def features(self, part: slice) -> Features | Prepared:
        """Of some samples, along B: as they are, or prepared where there is something to prepare them."""
        if self._prepare is None:
            return self.cut(part)
        key = (part.start, part.stop)
        if key not in self._prepared:
            self._prepared[key] = self._prepare(self.cut(part))
        return self._prepared[key]

    def labels(self, part: slice = slice(None)) -> Tensor:
        """Of some samples, along B."""
        return self._labels[:, part]

    def cut(self, part: slice) -> Features:
        """The features of some samples, along B, as they are."""
        return {name: feature[:, part] for name, feature in self.whole.items()}
