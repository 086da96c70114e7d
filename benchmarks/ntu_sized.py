"""A task with as many samples as NTU has in the paper, and features of the shapes of `ntu-1`; their values are random.

Use it with: bmnas search --task benchmarks/ntu_sized.py --preset ntu-1

`NTU_SAMPLES` in the environment is another number of samples of the three splits: ``384,192,64``. No test score is
asked of it, so its test split is small.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor, nn

from bmnas.genotype import published
from bmnas.tasks import SPLITS, Split, SplitName, Task

SAMPLES = dict(zip(SPLITS, map(int, os.environ.get("NTU_SAMPLES", "23760,2519,128").split(",")), strict=True))
LENGTH, CLASSES = 8, 60


class NtuSized(Task):
    """By modality, a dictionary of features (N, C, 8) in 16 bits; 60 classes."""

    name = "ntu-sized"
    outputs = CLASSES
    features = published.load("ntu-1").features
    taps = {feature.name: f"passed.{feature.name}" for feature in features}  # noqa: RUF012
    options = {"samples": SAMPLES}  # noqa: RUF012
    settings = {"length": LENGTH}  # noqa: RUF012

    def split(self, name: SplitName) -> Split:
        """Made anew in every process that asks for it."""
        return _made(name)

    def build_backbone(self, modality: str) -> nn.Module:
        """Returns the features that it is given."""
        return Passing([feature.name for feature in self.features if feature.modality == modality])

    def data_fingerprint(self, modalities: Iterable[str] | None = None) -> str:
        """The numbers of samples: nothing has to be made to know that a store has them."""
        return repr(SAMPLES)


class Passing(nn.Module):
    """Returns its keyword arguments, each through a submodule of its own, as 32-bit floats."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.passed = nn.ModuleDict({name: nn.Identity() for name in names})

    def forward(self, **features: Tensor) -> dict[str, Tensor]:
        """The same features."""
        return {name: tap(features[name].float()) for name, tap in self.passed.items()}


@lru_cache(maxsize=1)
def _made(name: SplitName) -> Split:
    generator = torch.Generator().manual_seed(SPLITS.index(name))
    count, inputs = SAMPLES[name], {}
    for feature in NtuSized.features:
        values = torch.empty(count, feature.channels or 0, LENGTH, dtype=torch.float16)
        for part in values.split(512):  # a whole one of 32-bit floats would need gigabytes more
            part.copy_(torch.randn(part.shape, generator=generator))
        inputs.setdefault(feature.modality, {})[feature.name] = values
    return Split(inputs, torch.randint(CLASSES, (count,), generator=generator))


task = NtuSized()
