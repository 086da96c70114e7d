"""ResNeXt-101 with three-dimensional convolutions, the network of clips in the task `egogesture`.

Xie et al., "Aggregated Residual Transformations for Deep Neural Networks", CVPR 2017; in three dimensions: Hara,
Kataoka and Satoh, "Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?", CVPR 2018; for RGB and
depth: Köpüklü et al., "Real-time Hand Gesture Detection and Classification Using Convolutional Neural Networks", FG
2019. Parameters have the names of published checkpoints. Axes: B batch, C channels, T frames, H height, W width.
"""

from __future__ import annotations

from torch import Tensor, nn

_BLOCKS = (3, 4, 23, 3)
_WIDTHS = (128, 256, 512, 1024)
_GROUPS = 32
# By channels of a clip, how many frames the first kernel sees: RGB and depth differ in it.
_FIRST_FRAMES = {3: 3, 1: 7}


class ResNeXt3D(nn.Module):
    """Clips (B, C, T, H, W) to logits (B, classes).

    What can be tapped, from shallow to deep, of clips of 32 frames of 112 x 112: ``layer2`` (B, 512, 8, 14, 14),
    ``layer3`` (B, 1024, 4, 7, 7), ``layer4`` (B, 2048, 2, 4, 4), ``avgpool`` (B, 2048, 1, 1, 1).

    Args:
        classes: outputs of the last layer.
        channels: C of a clip: 3 of RGB, 1 of depth.
        pool: T, H, W over which ``avgpool`` takes means; what ``layer4`` gives for such clips.
    """

    def __init__(self, classes: int, channels: int = 3, pool: tuple[int, int, int] = (2, 4, 4)) -> None:
        super().__init__()
        frames = _FIRST_FRAMES[channels]
        self.conv1 = nn.Conv3d(channels, 64, (frames, 7, 7), stride=(1, 2, 2), padding=(frames // 2, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        inputs = (64, *(2 * width for width in _WIDTHS))
        self.layer1 = _layer(inputs[0], _WIDTHS[0], _BLOCKS[0], stride=1)
        self.layer2 = _layer(inputs[1], _WIDTHS[1], _BLOCKS[1], stride=2)
        self.layer3 = _layer(inputs[2], _WIDTHS[2], _BLOCKS[2], stride=2)
        self.layer4 = _layer(inputs[3], _WIDTHS[3], _BLOCKS[3], stride=2)
        self.avgpool = nn.AvgPool3d(pool, stride=1)
        self.fc = nn.Linear(inputs[4], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, clip: Tensor) -> Tensor:
        """Logits (B, classes)."""
        hidden = self.maxpool(self.relu(self.bn1(self.conv1(clip))))
        hidden = self.layer4(self.layer3(self.layer2(self.layer1(hidden))))
        logits: Tensor = self.fc(self.avgpool(hidden).flatten(1))
        return logits


class _Bottleneck(nn.Module):
    """Fewer channels, a grouped 3 x 3 x 3 convolution, twice as many channels; added to what came in."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 2 * width
        self.conv1 = nn.Conv3d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride=stride, padding=1, groups=_GROUPS, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = (
            nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm3d(outputs))
            if stride > 1 or inputs != outputs
            else None
        )

    def forward(self, clip: Tensor) -> Tensor:
        hidden = self.relu(self.bn1(self.conv1(clip)))
        hidden = self.relu(self.bn2(self.conv2(hidden)))
        hidden = self.bn3(self.conv3(hidden))
        beside = clip if self.downsample is None else self.downsample(clip)
        result: Tensor = self.relu(hidden + beside)
        return result


def _layer(inputs: int, width: int, blocks: int, *, stride: int) -> nn.Sequential:
    rest = (_Bottleneck(2 * width, width, 1) for _ in range(blocks - 1))
    return nn.Sequential(_Bottleneck(inputs, width, stride), *rest)
