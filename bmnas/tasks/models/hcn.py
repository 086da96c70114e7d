"""HCN, the co-occurrence network for skeleton sequences.

Li, Zhong, Xie and Pu, "Co-occurrence Feature Learning from Skeleton Data for Action Recognition and Detection with
Hierarchical Aggregation", IJCAI 2018, Figure 2. Axes: B batch, C channels, T frames, V joints, M bodies; D is the axis
that the features of a joint become when the joints become channels. What differs from the paper, so that the network
learns in minutes from a few hundred samples: batch norm after every convolution and in ``fc7``, and dropout in front of
the two last layers alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class HCN(nn.Module):
    """Positions of joints (B, coordinates, T, V, M) to logits (B, classes).

    What can be tapped, from shallow to deep, with w = ``width``: ``streams`` (B, 2w, T/4, D, M), ``conv5``
    (B, 2w, T/8, D/2, M), ``conv6`` (B, 4w, T/16, D/4, M), ``fc7`` (B, 4w), where D is w/8.

    Args:
        classes: outputs of the last layer.
        joints: V.
        persons: M, the bodies of a sample; a missing body is all zero.
        frames: T, a multiple of 16; 32 in the paper.
        coordinates: numbers that say where a joint is.
        width: channels of the first convolution, a multiple of 32; 64 in the paper.
        dropout: in front of ``fc7`` and ``fc8``; 0.5 in the paper.
    """

    def __init__(
        self,
        classes: int,
        joints: int = 20,
        persons: int = 1,
        frames: int = 32,
        coordinates: int = 3,
        width: int = 64,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if frames % 16 or width % 32:
            raise ValueError(f"frames must be a multiple of 16 and width of 32, but they are {frames} and {width}")
        self.shape = (coordinates, frames, joints, persons)
        self.streams = _Streams(coordinates, joints, width)
        self.conv5 = _PerBody(_conv(2 * width, 2 * width, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.conv6 = _PerBody(_conv(2 * width, 4 * width, 3), nn.ReLU(), nn.MaxPool2d(2))
        flat = 4 * width * (frames // 16) * (width // 2 // 16)
        self.fc7 = nn.Sequential(nn.Dropout(dropout), nn.Linear(flat, 4 * width), nn.BatchNorm1d(4 * width), nn.ReLU())
        self.fc8 = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * width, classes))

    def forward(self, positions: Tensor) -> Tensor:
        """Logits (B, classes).

        Raises:
            ValueError: the positions have another shape than (B, coordinates, frames, joints, persons).
        """
        if positions.shape[1:] != self.shape:
            raise ValueError(f"positions of a sample have shape {tuple(positions.shape[1:])}, not {self.shape}")
        bodies = self.conv6(self.conv5(self.streams(positions)))
        together = bodies.amax(dim=4)  # the paper's late fusion of bodies, by element-wise maximum
        logits: Tensor = self.fc8(self.fc7(together.flatten(1)))
        return logits


class _PerBody(nn.Module):
    """A 2D network applied to every body: (B, C, T, X, M) to (B, C', T', X', M)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, sequence: Tensor) -> Tensor:
        batch, bodies = sequence.shape[0], sequence.shape[4]
        folded: Tensor = self.layers(sequence.permute(0, 4, 1, 2, 3).flatten(0, 1))
        return folded.unflatten(0, (batch, bodies)).permute(0, 2, 3, 4, 1)


class _Streams(nn.Module):
    """The two streams, positions and their changes from frame to frame, concatenated: (B, 2w, T/4, D, M)."""

    def __init__(self, coordinates: int, joints: int, width: int) -> None:
        super().__init__()
        self.positions = _stream(coordinates, joints, width)
        self.motion = _stream(coordinates, joints, width)

    def forward(self, positions: Tensor) -> Tensor:
        # As many changes as frames: the last frame does not move.
        motion = torch.diff(positions, dim=2, append=positions[:, :, -1:])
        return torch.cat([self.positions(positions), self.motion(motion)], dim=1)


class _JointsAsChannels(nn.Module):
    """(B, C, T, V) to (B, V, T, C): what follows mixes all joints, hence the name co-occurrence."""

    def forward(self, sequence: Tensor) -> Tensor:
        return sequence.transpose(1, 3)


def _stream(coordinates: int, joints: int, width: int) -> nn.Module:
    """conv1 to conv4: two convolutions of each joint by itself, then two over all joints."""
    return _PerBody(
        nn.BatchNorm2d(coordinates),
        _conv(coordinates, width, 1),
        nn.ReLU(),
        _conv(width, width // 2, (3, 1)),
        _JointsAsChannels(),
        _conv(joints, width // 2, 3),
        nn.MaxPool2d(2),
        _conv(width // 2, width, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def _conv(channels: int, out: int, kernel: int | tuple[int, int]) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, out, kernel, padding="same", bias=False), nn.BatchNorm2d(out))
