"""MMTM, multimodal transfer modules between backbones (Joze et al., CVPR 2020).

At corresponding depths of the backbones each modality's channels are squeezed to their means, a joint representation is
made of all of them, and from that a gate for each channel of each modality (equations 1 to 5):

    S_m = mean over positions of X_m        Z = ReLU(W [S_1, ..., S_M] + b)
    E_m = W_m Z + b_m                       X_m <- 2 sigmoid(E_m) * X_m

with as many numbers in Z as a quarter of all channels. The paper has two modalities; here there may be more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.taps.tap import Tap, by_first_names, submodule_call
from bmnas.tasks import Task

_SHARE = 4


class TransferModule(nn.Module):
    """One transfer between M modalities. Untrained it changes nothing: its gates begin at 1.

    Args:
        channels: of each modality.
        axes: of the channels in each modality's tensors.
    """

    def __init__(self, channels: Sequence[int], axes: Sequence[int]) -> None:
        super().__init__()
        joint = max(1, sum(channels) // _SHARE)
        self._axes = tuple(axes)
        self.squeeze = nn.Linear(sum(channels), joint)
        self.excite = nn.ModuleList(nn.Linear(joint, count) for count in channels)
        for weight in self.excite.parameters():
            nn.init.zeros_(weight)

    def forward(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Tensors (B, ...), one of each modality, with gates on their channels; shapes stay."""
        means = [_means(x, axis) for x, axis in zip(tensors, self._axes, strict=True)]
        joint = torch.relu(self.squeeze(torch.cat([mean.to(means[0].dtype) for mean in means], 1)))
        gates = [2 * torch.sigmoid(excite(joint)) for excite in self.excite]
        return [_gated(x, gate, axis) for x, gate, axis in zip(tensors, gates, self._axes, strict=True)]


class Stages:
    """Where transfers are: the taps of the modalities by depth, the last beside the last.

    Args:
        task: its taps are the places.
        parts: by modality, the backbone.

    Attributes:
        places: by modality, the modules, from top to bottom; as many of each as the modality with fewest taps has.

    Raises:
        BmnasError: a tap is no module that returns one tensor, or there is one modality alone.
    """

    def __init__(self, task: Task, parts: Mapping[str, nn.Module]) -> None:
        if len(parts) < 2:
            raise BmnasError(f"transfer modules are between modalities, and of task {task.name} only one is read")
        features = {modality: [f for f in task.features if f.modality == modality] for modality in parts}
        count = min(map(len, features.values()))
        of = {modality: own[len(own) - count :] for modality, own in features.items()}
        self.places: dict[str, list[nn.Module]] = {}
        self._taps: dict[str, list[Tap]] = {}
        for modality, own in of.items():
            taps = [Tap.of(task.taps[feature.name]) for feature in own]
            meant, _ = by_first_names(taps, parts[modality])
            self._taps[modality] = taps
            self.places[modality] = [_module(parts[modality], meant[tap], task) for tap in taps]

    def modules(self, seen: Mapping[str, Sequence[Tensor]]) -> nn.ModuleList:
        """A transfer for each stage.

        Args:
            seen: by modality, what its places return, (B, ...).
        """
        found = nn.ModuleList()
        for stage in range(len(next(iter(self.places.values())))):
            axes = [self._taps[modality][stage].axis for modality in self.places]
            channels = [seen[modality][stage].shape[axis] for modality, axis in zip(self.places, axes, strict=True)]
            found.append(TransferModule(channels, axes))
        return found


def _module(part: nn.Module, tap: Tap, task: Task) -> nn.Module:
    call = submodule_call(tap.node, part)
    if call is None or call[1] or tap.item is not None:
        raise BmnasError(
            f"a transfer module needs a module of the backbone that runs once and returns one tensor, which the tap "
            f"{tap.node!r} of task {task.name} is not"
        )
    return dict(part.named_modules(remove_duplicate=False))[call[0]]


def _means(x: Tensor, axis: int) -> Tensor:
    """Over all positions, (B, channels)."""
    x = x if axis == 1 else x.movedim(axis, 1)
    return x.flatten(2).mean(2) if x.dim() > 2 else x


def _gated(x: Tensor, gate: Tensor, axis: int) -> Tensor:
    shape = [1] * x.dim()
    shape[0], shape[axis] = gate.shape
    return x * gate.to(x.dtype).view(shape)
