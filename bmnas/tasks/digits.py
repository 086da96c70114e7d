"""The embedded task: scikit-learn's handwritten digits, seen as two modalities, their top and their bottom half.

Neither half is enough (each alone reaches about 90 %), both together nearly are. No download, no options.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bmnas.fit.ambient import single_precision
from bmnas.fit.threads import one_thread
from bmnas.genotype import Feature
from bmnas.tasks.progress import Report, silent
from bmnas.tasks.task import SPLITS, Split, SplitName, Task
from bmnas.tasks.training import TrainingSettings, outputs_of, train

# The rows of the 8x8 images that a modality sees.
_ROWS = {"Top": slice(0, 4), "Bottom": slice(4, 8)}
# By depth: the submodule of the backbone, and the channels it returns.
_TAPS = (("low", 16), ("middle", 32), ("high", 64))
# Of a class's samples, the share in train, validation and test. The seed of the split is not the seed of a search.
_SHARES = (0.6, 0.2, 0.2)
_SPLIT_SEED = 2022
_TRAINING = TrainingSettings(epochs=15, batch_size=64, learning_rate=2e-3, seed=0)


class DigitsTask(Task):
    """1797 images of digits in 10 classes; inputs ``Top`` and ``Bottom``, each (N, 1, 4, 8) in 0..1."""

    name = "digits"
    outputs = 10
    class_names = tuple("0123456789")
    features = tuple(
        Feature(name=f"{modality}_{depth}", modality=modality, channels=channels, reshape="sequence")
        for modality in _ROWS
        for depth, (_, channels) in enumerate(_TAPS, 1)
    )
    taps = MappingProxyType(
        {f"{modality}_{depth}": name for modality in _ROWS for depth, (name, _) in enumerate(_TAPS, 1)}
    )
    settings: Mapping[str, Any] = MappingProxyType(
        {"channels": 32, "length": 8, "batch_size": 32, "epochs": 20, "train_epochs": 20}
    )

    def split(self, name: SplitName) -> Split:
        """The samples of a split, in their order in scikit-learn's file."""
        images, labels = _digits()
        chosen = torch.from_numpy(_split_of(labels.numpy()) == SPLITS.index(name))
        inputs = {modality: images[chosen][:, None, rows, :].contiguous() for modality, rows in _ROWS.items()}
        return Split(inputs, labels[chosen])

    def build_backbone(self, modality: str) -> nn.Module:
        """A small CNN for one half of an image."""
        with single_precision():
            return HalfDigitCNN()

    def train_backbone(
        self, modality: str, backbone: nn.Module, *, device: str | torch.device, report: Report = silent
    ) -> float:
        """Train on the training split, always on one thread of the CPU: seconds, and the same weights everywhere."""
        data, held_out = self.split("train"), self.split("validation")
        phase = f"backbone {modality}"
        with one_thread(), single_precision():
            train(backbone, data.inputs[modality], data.labels, self.loss, _TRAINING, phase=phase, report=report)
            return self.metric.score(outputs_of(backbone, held_out.inputs[modality]), held_out.labels)


class HalfDigitCNN(nn.Module):
    """Half a digit (B, 1, 4, 8) to logits, by ``low`` (B, 16, 4, 8), ``middle`` (B, 32, 2, 4) and ``high`` (B, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.middle = nn.Sequential(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU())
        self.high = nn.Sequential(nn.Flatten(), nn.Linear(32 * 2 * 4, 64), nn.ReLU())
        self.classify = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, 10)."""
        logits: Tensor = self.classify(self.high(self.middle(self.low(image))))
        return logits


@lru_cache(maxsize=1)
def _digits() -> tuple[Tensor, Tensor]:
    """Images (1797, 8, 8) in 0..1 and labels (1797,)."""
    from sklearn.datasets import load_digits  # slow to import, so only where the digits are wanted

    digits: Any = load_digits()
    return torch.from_numpy(digits.images / 16.0).float(), torch.from_numpy(digits.target).long()


def _split_of(labels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """For each sample the index of its split; every class is divided in the same shares."""
    # RandomState, because NumPy promises that its stream never changes; a Generator's may.
    random = np.random.RandomState(_SPLIT_SEED)
    split = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        borders = np.rint(np.cumsum(_SHARES[:-1]) * len(members)).astype(int)
        for index, part in enumerate(np.split(members, borders)):
            split[part] = index
    return split
