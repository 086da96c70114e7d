"""For each modality: its backbone, what is tapped, and how it is trained.

The settings were chosen on subjects that were held out of the training subjects 1, 3, 5 and 7, never on test subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from bmnas.fit.threads import one_thread
from bmnas.genotype import Feature
from bmnas.tasks.models.depth_cnn import DepthCNN
from bmnas.tasks.models.hcn import HCN
from bmnas.tasks.models.inertial_cnn import InertialCNN
from bmnas.tasks.progress import Report
from bmnas.tasks.training import TrainingSettings, train
from bmnas.tasks.utd_mhad.depth import augmented_depth
from bmnas.tasks.utd_mhad.inertial import augmented_inertial
from bmnas.tasks.utd_mhad.skeleton import FRAMES, augmented_skeletons


@dataclass(frozen=True)
class Recipe:
    """How a modality gets its backbone.

    Attributes:
        build: the untrained network, from the number of classes.
        taps: from shallow to deep, the submodule and the channels that it returns.
        augment: changes a batch of inputs at random.
        training: how the network is trained.
    """

    build: Callable[[int], nn.Module]
    taps: tuple[tuple[str, int], ...]
    augment: Callable[[Tensor], Tensor]
    training: TrainingSettings


def smoothed_cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy with a tenth of the probability spread over all classes."""
    return nn.functional.cross_entropy(outputs, labels, label_smoothing=0.1)


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "Skeleton": Recipe(
            lambda classes: HCN(classes, frames=FRAMES, width=32, dropout=0.3),
            (("streams", 64), ("conv5", 64), ("conv6", 128), ("fc7", 128)),
            augmented_skeletons,
            TrainingSettings(epochs=40, batch_size=16, learning_rate=3e-3, weight_decay=0.05, seed=0),
        ),
        "Inertial": Recipe(
            lambda classes: InertialCNN(classes, width=32, dropout=0.2),
            (("block1", 32), ("block2", 64), ("block3", 128), ("block4", 128)),
            augmented_inertial,
            TrainingSettings(epochs=50, batch_size=24, learning_rate=3e-3, weight_decay=0.05, seed=0),
        ),
        "Depth": Recipe(
            lambda classes: DepthCNN(classes, width=12, dropout=0.2),
            (("frame1", 12), ("frame2", 24), ("frames", 96), ("time", 96)),
            augmented_depth,
            TrainingSettings(epochs=25, batch_size=16, learning_rate=3e-3, weight_decay=0.05, seed=0),
        ),
    }
)


def features_of(modalities: Iterable[str]) -> tuple[Feature, ...]:
    """The features of some modalities, from shallow to deep."""
    return tuple(
        Feature(name=f"{modality}_{number}", modality=modality, channels=channels, reshape="sequence")
        for modality in modalities
        for number, (_, channels) in enumerate(RECIPES[modality].taps, 1)
    )


def taps_of(modalities: Iterable[str]) -> Mapping[str, str]:
    """By feature, the submodule that returns it."""
    return MappingProxyType(
        {
            f"{modality}_{number}": submodule
            for modality in modalities
            for number, (submodule, _) in enumerate(RECIPES[modality].taps, 1)
        }
    )


def train_by(
    recipe: Recipe,
    backbone: nn.Module,
    clips: Tensor,
    labels: Tensor,
    *,
    device: str | torch.device,
    phase: str,
    report: Report,
) -> None:
    """Train a backbone in place on clips (N, ...), on one thread where the device is the CPU."""
    with one_thread():
        train(
            backbone,
            clips,
            labels,
            smoothed_cross_entropy,
            recipe.training,
            augment=recipe.augment,
            device=device,
            phase=phase,
            report=report,
        )
