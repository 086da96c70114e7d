"""Pairs as samples of a fusion network, read one by one, because regions of many images do not fit in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch

from bmnas.genotype import Feature
from bmnas.tasks.pair_task import FusionSamples
from bmnas.tasks.sequences import QUESTION, REGIONS, PairData
from bmnas.tasks.sequences.pooled import kinds_of, pooled_regions, pooled_texts
from bmnas.tasks.tree import Tree, mapped


class PairSource:
    """See `bmnas.tasks.task.SampleSource`. Features have no padding here, so none may be a sequence.

    Args:
        data: pairs.
        samples: which of them, with labels.
        features: that are wanted.
        words: how many words the features of texts tell apart.
    """

    def __init__(self, data: PairData, samples: FusionSamples, features: tuple[Feature, ...], words: int) -> None:
        self._data, self._samples, self._words = data, samples, words
        self._texts = cast(Any, kinds_of(features, QUESTION))
        self._regions = cast(Any, kinds_of(features, REGIONS))

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self._samples.labels)

    def __getitem__(self, index: int) -> tuple[Mapping[str, Tree], Any]:
        """The features of a sample, and its label."""
        place = torch.tensor([index])
        found = {}
        if self._texts:
            tokens = self._data.tokens[self._samples.texts[place]]
            found[QUESTION] = pooled_texts(tokens, self._texts, self._words)[0]
        if self._regions:
            regions = self._data.regions.take(self._samples.images[place])
            found[REGIONS] = pooled_regions(regions, self._regions)[0]
        return mapped(lambda values: values[0], found), self._samples.labels[index]

    def describe(self, index: int) -> str:
        """The file of a sample's image."""
        return self._data.regions.name(int(self._samples.images[index]))
