"""HCN as the released BM-NAS code has it, with its names; `hcn` is our own, which learns from a few hundred samples.

Li, Zhong, Xie and Pu, "Co-occurrence Feature Learning from Skeleton Data for Action Recognition and Detection with
Hierarchical Aggregation", IJCAI 2018, Figure 2. Axes: B batch, C channels, T frames, V joints, M bodies. No batch norm
anywhere, no ReLU in the second to the fourth convolution, motion resampled to as many frames as there are positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SHAPE = (3, 32, 25, 2)


class ReleasedHCN(nn.Module):
    """Positions of joints (B, 3, 32, 25, 2) to logits (B, classes).

    What can be tapped, from shallow to deep: ``conv5_bodies`` (B, 128, 4, 4) and ``conv6_bodies`` (B, 256, 2, 2), each
    the maximum over the bodies; ``flat`` (B, 1024), the latter's numbers; ``fc7`` (B, 512). ``conv4_bodies``
    (B, 128, 8, 8) is there too. The layers of the streams run once for all bodies, which lie along the batch.

    Args:
        classes: outputs of the last layer.
        dropout: of channels in ``conv4`` to ``conv6``, and of numbers in ``fc7``.
    """

    def __init__(self, classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        joints = SHAPE[2]
        self.conv1 = nn.Sequential(nn.Conv2d(3, 64, 1), nn.ReLU())
        self.conv2 = nn.Conv2d(64, 32, (3, 1), padding=(1, 0))
        self.conv3 = nn.Sequential(nn.Conv2d(joints, 32, 3, padding=1), nn.MaxPool2d(2))
        self.conv4 = nn.Sequential(nn.Conv2d(32, 64, 3, padding=1), nn.Dropout2d(dropout), nn.MaxPool2d(2))
        self.conv1m = nn.Sequential(nn.Conv2d(3, 64, 1), nn.ReLU())
        self.conv2m = nn.Conv2d(64, 32, (3, 1), padding=(1, 0))
        self.conv3m = nn.Sequential(nn.Conv2d(joints, 32, 3, padding=1), nn.MaxPool2d(2))
        self.conv4m = nn.Sequential(nn.Conv2d(32, 64, 3, padding=1), nn.Dropout2d(dropout), nn.MaxPool2d(2))
        self.conv5 = _pooled_convolution(128, 128, dropout)
        self.conv6 = _pooled_convolution(128, 256, dropout)
        # Of vectors the released network drops numbers too, though by the module that is meant for channels of maps.
        self.fc7 = nn.Sequential(nn.Linear(1024, 512), nn.ReLU(), nn.Dropout(dropout))
        self.fc8 = nn.Linear(512, classes)
        # Without parameters, so that they change no name of a state dict: what is tapped is the output of a module.
        self.conv4_bodies = _LargestOfBodies()
        self.conv5_bodies = _LargestOfBodies()
        self.conv6_bodies = _LargestOfBodies()
        self.flat = nn.Flatten()

    def forward(self, positions: Tensor) -> Tensor:
        """Logits (B, classes).

        Raises:
            ValueError: the positions have another shape than (B, 3, 32, 25, 2).
        """
        if positions.shape[1:] != SHAPE:
            raise ValueError(f"positions of a sample have shape {tuple(positions.shape[1:])}, not {SHAPE}")
        bodies = positions.permute(0, 4, 1, 2, 3).flatten(0, 1)
        streams = torch.cat([self._positions(bodies), self._motion(_motion(bodies))], dim=1)
        conv5 = self.conv5(streams)
        conv6 = self.conv6(conv5)
        # These two are computed for whoever taps them.
        self.conv4_bodies(streams)
        self.conv5_bodies(conv5)
        logits: Tensor = self.fc8(self.fc7(self.flat(self.conv6_bodies(conv6))))
        return logits

    def _positions(self, bodies: Tensor) -> Tensor:
        found: Tensor = self.conv4(self.conv3(_joints_as_channels(self.conv2(self.conv1(bodies)))))
        return found

    def _motion(self, bodies: Tensor) -> Tensor:
        found: Tensor = self.conv4m(self.conv3m(_joints_as_channels(self.conv2m(self.conv1m(bodies)))))
        return found


class _LargestOfBodies(nn.Module):
    """The maximum over the bodies of a sample: (B·M, C, ...) to (B, C, ...)."""

    def forward(self, bodies: Tensor) -> Tensor:
        return bodies.unflatten(0, (-1, SHAPE[3])).amax(dim=1)


def _motion(bodies: Tensor) -> Tensor:
    """Differences of neighbouring frames (N, C, T, V), resampled from T - 1 to T frames with half-pixel centres."""
    frames, joints = bodies.shape[2:]
    steps = torch.diff(bodies, dim=2)
    return nn.functional.interpolate(steps, size=(frames, joints), mode="bilinear", align_corners=False)


def _joints_as_channels(sequence: Tensor) -> Tensor:
    """(N, C, T, V) to (N, V, T, C): what follows mixes all joints, hence the name co-occurrence."""
    return sequence.transpose(1, 3)


def _pooled_convolution(channels: int, out: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.Dropout2d(dropout), nn.MaxPool2d(2))
