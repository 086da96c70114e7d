"""A task of a few random samples with untrained backbones, and a pooling function, for all tests but the digits'."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bmnas.genotype import Feature
from bmnas.tasks import Split, SplitName, Task

SIZES: dict[SplitName, int] = {"train": 300, "validation": 40, "test": 30}


def small_pool(feature: Tensor, reshape: str, length: int) -> Tensor:
    if reshape == "grid":
        side = int(length**0.5)
        return nn.functional.adaptive_max_pool2d(feature, (side, side))
    sequence = feature.reshape(*feature.shape[:2], -1) if feature.dim() > 2 else feature[:, :, None]
    return nn.functional.adaptive_max_pool1d(sequence, min(length, sequence.shape[2]))


class SmallTask(Task):
    """Two modalities whose names, and whose features' names, are as awkward as names may be."""

    name = "small"
    outputs = 3
    features = (
        Feature(name="labels", modality="Ton/é", channels=4, reshape="sequence"),
        Feature(name='a "b"\\ ../c 名', modality="Ton/é", channels=5, reshape="none"),
        Feature(name="Image_1", modality="..", channels=6, reshape="grid"),
    )
    taps = {"labels": "0", 'a "b"\\ ../c 名': "1", "Image_1": "0"}  # noqa: RUF012

    def __init__(self, data_seed: int = 0) -> None:
        self.data_seed = data_seed
        self.trained: list[str] = []

    def split(self, name: SplitName) -> Split:
        random = torch.Generator().manual_seed(self.data_seed + SIZES[name])
        inputs = {
            "Ton/é": torch.randn(SIZES[name], 2, 9, generator=random),
            "..": torch.randn(SIZES[name], 1, 6, 6, generator=random),
        }
        return Split(inputs, torch.randint(3, (SIZES[name],), generator=random))

    def build_backbone(self, modality: str) -> nn.Module:
        if modality == "..":
            return nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
        return nn.Sequential(nn.Conv1d(2, 4, 3), nn.Conv1d(4, 5, 3), nn.ReLU(inplace=True))

    def train_backbone(self, modality: str, backbone: nn.Module, **_: object) -> float:
        self.trained.append(modality)
        return 0.5
