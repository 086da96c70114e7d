"""The task `planted`: does a search find the two features that matter among eight that look alike?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import Field

from bmnas.errors import BmnasError, did_you_mean
from bmnas.tasks.arrays import ArrayTask
from bmnas.tasks.options import TaskOptions
from bmnas.tasks.planted.samples import CLASSES, LENGTH, planted_labels, planted_samples
from bmnas.tasks.task import SPLITS

FEATURES = tuple(f"{modality}_{depth}" for modality in "AB" for depth in range(1, 5))
# Neither the first nor the last of its modality, so that fusing the ends finds nothing.
_PAIR = ("A_2", "B_3")
_SIZES = {"train": 2000, "validation": 600, "test": 600}


class PlantedOptions(TaskOptions):
    """See `PlantedTask`."""

    pair: tuple[str, str] = Field(default=_PAIR, description="The two features that matter.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Seed of the data, not of a search.")


class PlantedTask(ArrayTask):
    """Eight features with a hidden class each; the label is the sum of two hidden classes, modulo their number.

    Neither of the two features says anything about the label by itself, nor does any other pair: only the two together
    do, so that late fusion and single modalities stay at chance (one in four).

    Args:
        pair: the two features that matter, of `FEATURES`; their order does not matter.
        seed: of the data. The seed of a search does not change them.

    Attributes:
        planted_pair: the two features, in the order of `FEATURES`.

    Raises:
        BmnasError: the pair is not two different features of the task, or the seed not one.

    Example:
        >>> PlantedTask(pair=("B_2", "A_3")).planted_pair
        ('A_3', 'B_2')
    """

    Options: ClassVar[type[TaskOptions]] = PlantedOptions

    name = "planted"

    def __init__(self, pair: Sequence[str] = _PAIR, seed: int = 0) -> None:
        self.planted_pair = _checked(pair)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise BmnasError(f"the seed of task {self.name} is {seed!r}, but should be a whole number below 2**32")
        count = sum(_SIZES.values())
        classes_NJ, features = planted_samples(count, len(FEATURES), seed)
        super().__init__(
            dict(zip(FEATURES, features, strict=True)),
            planted_labels(classes_NJ, [FEATURES.index(name) for name in self.planted_pair]),
            [split for split in SPLITS for _ in range(_SIZES[split])],
            name=self.name,
            outputs=CLASSES,
            settings=_SETTINGS,
        )
        self.options: Mapping[str, Any] = MappingProxyType({"pair": list(self.planted_pair), "seed": seed})


_SETTINGS = MappingProxyType(
    {
        "channels": 32,
        "length": LENGTH,
        "cells": 1,
        "steps": 1,
        "batch_size": 64,
        "lr": 0.01,
        "epochs": 20,
        "train_epochs": 30,
    }
)


def _checked(pair: Sequence[str]) -> tuple[str, str]:
    """The pair in the order of the features."""
    if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
        raise BmnasError(f"the planted pair is {pair!r}, but should be two different features of {', '.join(FEATURES)}")
    for name in pair:
        if name not in FEATURES:
            raise BmnasError(f"the planted pair names {name!r}, which is no feature{did_you_mean(str(name), FEATURES)}")
    first, second = sorted(pair, key=FEATURES.index)
    return first, second
