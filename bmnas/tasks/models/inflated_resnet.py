"""ResNet-50 for clips: 3D convolutions that can be started from the 2D weights of images, by inflation.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; inflation: Carreira and Zisserman, "Quo Vadis,
Action Recognition?", CVPR 2017. Parameters have the names of the released BM-NAS code. Axes: B batch, C channels,
T frames. The first convolution is two-dimensional, nothing is strided in time.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError, did_you_mean

# Blocks of the four layers, and the channels inside them; a block returns four times as many.
_LAYERS = ((3, 64), (4, 128), (6, 256), (3, 512))
_EXPANSION = 4
# Of the released average pool, which is as large as the last map of 8 frames of 224 x 224.
_POOL = (8, 7, 7)


class InflatedResNet50(nn.Module):
    """Clips (B, T, height, width, 3) to logits (B, classes), for 8 frames of 224 x 224 or 256 x 256 pixels.

    What can be tapped, from shallow to deep, at 256 x 256: ``cnn.layer2`` (B, 512, 8, 32, 32), ``cnn.layer3``
    (B, 1024, 8, 16, 16), ``cnn.layer4`` (B, 2048, 8, 8, 8), ``pool`` (B, 2048).

    Args:
        classes: outputs of the last layer.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.cnn = InflatedCNN()
        self.pool = _CornerPool()
        self.classifier = nn.Linear(_EXPANSION * _LAYERS[-1][1], classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits (B, classes).

        Raises:
            ValueError: the clips are too short or too small for the pool, or have another shape.
        """
        if clips.dim() != 5 or clips.shape[4] != 3:
            raise ValueError(f"clips have shape {tuple(clips.shape)}, not (batch, frames, height, width, 3)")
        logits: Tensor = self.classifier(self.pool(self.cnn(clips.permute(0, 4, 1, 2, 3))))
        return logits


class InflatedCNN(nn.Module):
    """Clips (B, 3, T, height, width) to the last map (B, 2048, T, height / 32, width / 32), both rounded up."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _layer(64, *_LAYERS[0], stride=1)
        self.layer2 = _layer(256, *_LAYERS[1], stride=2)
        self.layer3 = _layer(512, *_LAYERS[2], stride=2)
        self.layer4 = _layer(1024, *_LAYERS[3], stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, clips: Tensor) -> Tensor:
        """The last map, after its ReLU."""
        batch, frames = clips.shape[0], clips.shape[2]
        images = clips.transpose(1, 2).flatten(0, 1)
        images = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        stem = images.unflatten(0, (batch, frames)).transpose(1, 2)
        maps: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(stem))))
        return maps


def inflated(state_2d: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The 2D weights of torchvision's ResNet-50 as those of `InflatedResNet50`, all but its ``classifier``.

    A kernel of 3 x 3 becomes the middle one of three in time, the others are zero; one of 1 x 1 gets a time axis. Such
    a network computes of each frame what the 2D network computes of that image.

    Args:
        state_2d: by torchvision's names; ``fc`` is left out.

    Raises:
        BmnasError: these are not the weights of a ResNet-50.
    """
    with torch.device("meta"):
        wanted = InflatedCNN().state_dict()
    given = {name: value for name, value in state_2d.items() if not name.startswith("fc.")}
    # Files from before PyTorch 0.4.1 lack the counts of batches, which no layer needs here.
    given |= {name: torch.tensor(0) for name in wanted if name.endswith("num_batches_tracked") and name not in given}
    for name in wanted:
        if name not in given:
            raise BmnasError(f"these are not the weights of a ResNet-50: there is no {name}")
    for name in given:
        if name not in wanted:
            raise BmnasError(f"these are not the weights of a ResNet-50: it has no {name}{did_you_mean(name, wanted)}")
    return {f"cnn.{name}": _inflated(name, given[name], target.shape) for name, target in wanted.items()}


class _Bottleneck(nn.Module):
    """1 x 1 x 1, 3 x 3 x 3 and 1 x 1 x 1 convolutions, and the shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = _EXPANSION * width
        self.conv1 = nn.Conv3d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride=(1, stride, stride), padding=1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if channels != out:
            shortcut = nn.Conv3d(channels, out, 1, stride=(1, stride, stride), bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm3d(out))

    def forward(self, maps: Tensor) -> Tensor:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        inner = self.relu(self.bn1(self.conv1(maps)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        out: Tensor = self.relu(self.bn3(self.conv3(inner)) + shortcut)
        return out


class _CornerPool(nn.Module):
    """The released average pool: the mean of the first 8 frames and 7 x 7 positions, (B, C, T, h, w) to (B, C).

    At 224 x 224 pixels that is the plain mean; at 256 x 256 the last row and column of the map are left out.
    """

    def forward(self, maps: Tensor) -> Tensor:
        sizes = maps.shape[2:]
        # From twice the size on the released pool would return several means, for which there is no classifier.
        if not all(size <= own < 2 * size for own, size in zip(sizes, _POOL, strict=True)):
            raise ValueError(
                f"the last map is {' x '.join(map(str, sizes))}, but the pool needs {' x '.join(map(str, _POOL))} or a "
                "little more: clips of 8 frames of 224 x 224 or 256 x 256 pixels"
            )
        return maps[:, :, : _POOL[0], : _POOL[1], : _POOL[2]].mean(dim=(2, 3, 4))


def _layer(channels: int, blocks: int, width: int, stride: int) -> nn.Sequential:
    first = _Bottleneck(channels, width, stride)
    return nn.Sequential(first, *(_Bottleneck(_EXPANSION * width, width, 1) for _ in range(blocks - 1)))


def _inflated(name: str, weight: Tensor, shape: torch.Size) -> Tensor:
    """A tensor of the 2D network in the shape of the 3D one."""
    if weight.dim() + 1 == len(shape) and len(shape) == 5:
        kernel = weight.new_zeros(*weight.shape[:2], shape[2], *weight.shape[2:])
        kernel[:, :, shape[2] // 2] = weight
        weight = kernel
    if weight.shape != shape:
        raise BmnasError(
            f"these are not the weights of a ResNet-50: {name} has shape {tuple(weight.shape)}, not {tuple(shape)}"
        )
    return weight
