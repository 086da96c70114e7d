"""The regions of images: features, boxes and sizes, one row an image, however many questions are asked about it.

Axes: I images, B of a batch, R regions, C channels. A region of zeros is padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bmnas.errors import BmnasError
from bmnas.tasks.sequences.checks import refuse_wrong_images


@dataclass(frozen=True, eq=False)
class Image:
    """The regions of one image as they are read, without padding.

    Attributes:
        features: (n, C).
        boxes: (n, 4): x1, y1, x2, y2 in pixels.
        size: width and height of the image in pixels.
        name: how messages call it.
    """

    features: Tensor
    boxes: Tensor
    size: tuple[float, float]
    name: str


@dataclass(frozen=True, eq=False)
class RegionBatch:
    """The regions of some images, padded.

    Attributes:
        features: (B, R, C), float32.
        boxes: (B, R, 4), float32: x1, y1, x2, y2 in pixels; of padding zero.
        sizes: (B, 2), float32: width and height in pixels.
    """

    features: Tensor
    boxes: Tensor
    sizes: Tensor

    def __getitem__(self, images: Tensor) -> RegionBatch:
        """Those of some rows."""
        return RegionBatch(self.features[images], self.boxes[images], self.sizes[images])


class RegionSource(Protocol):
    """Images by number. They lie in memory, as in `RegionTable`, or are read when they are asked for."""

    @property
    def length(self) -> int:
        """R: how many regions an image has at most."""
        ...

    @property
    def channels(self) -> int:
        """C of a region's feature."""
        ...

    def __len__(self) -> int:
        """How many images there are."""
        ...

    def name(self, image: int) -> str:
        """How messages call an image."""
        ...

    def take(self, images: Tensor) -> RegionBatch:
        """The regions of images (B,), which may be there several times; each is read once."""
        ...


class RegionTable:
    """Images whose regions are in memory.

    Args:
        features: (I, R, C) floats.
        boxes: (I, R, 4).
        sizes: (I, 2).
        names: of the images, for messages; their numbers if left out.

    Raises:
        BmnasError: the shapes do not fit together, an image has padding alone, a number is not finite, or a box lies
            outside its image.

    Example:
        >>> table = RegionTable(torch.ones(2, 3, 8), torch.ones(2, 3, 4), torch.full((2, 2), 10.0))
        >>> table.take(torch.tensor([1, 0, 1])).features.shape
        torch.Size([3, 3, 8])
    """

    def __init__(self, features: Tensor, boxes: Tensor, sizes: Tensor, names: Sequence[str] = ()) -> None:
        if features.dim() != 3 or boxes.shape != (*features.shape[:2], 4) or sizes.shape != (len(features), 2):
            raise BmnasError(
                f"regions have the shape {tuple(features.shape)}, their boxes {tuple(boxes.shape)} and their images "
                f"{tuple(sizes.shape)}; right are (images, regions, channels), (images, regions, 4) and (images, 2)"
            )
        self._all = RegionBatch(features.float(), boxes.float(), sizes.float())
        self._names = tuple(names)
        refuse_wrong_images(self._all.features, self._all.boxes, self._all.sizes, self.name)

    @classmethod
    def of(cls, images: Sequence[Image], length: int) -> RegionTable:
        """The table of images that have different numbers of regions.

        Args:
            images: in their order.
            length: R, to which they are padded.

        Raises:
            BmnasError: as the constructor; or an image has more regions than the length, or other channels.
        """
        batch = padded(images, length, images[0].features.shape[1] if images else 0)
        return cls(batch.features, batch.boxes, batch.sizes, [image.name for image in images])

    @property
    def length(self) -> int:
        """R."""
        return self._all.features.shape[1]

    @property
    def channels(self) -> int:
        """C."""
        return self._all.features.shape[2]

    def __len__(self) -> int:
        """I."""
        return len(self._all.features)

    def name(self, image: int) -> str:
        """The name that was given, or the number."""
        return self._names[image] if self._names else f"image {image}"

    def take(self, images: Tensor) -> RegionBatch:
        """See `RegionSource.take`."""
        return self._all[images]


def padded(images: Sequence[Image], length: int, channels: int) -> RegionBatch:
    """Images as one batch: behind the last region of each follow regions of zeros.

    Args:
        images: in their order.
        length: R.
        channels: C.

    Raises:
        BmnasError: an image has more regions than the length, other channels, or not as many boxes as regions.
    """
    batch = RegionBatch(
        torch.zeros(len(images), length, channels), torch.zeros(len(images), length, 4), torch.zeros(len(images), 2)
    )
    for row, image in enumerate(images):
        count, own = image.features.shape
        if own != channels:
            raise BmnasError(
                f"{image.name}: its regions have {own} channels, but those before have {channels}: "
                "they are features of another backbone"
            )
        if count > length:
            raise BmnasError(f"{image.name}: has {count} regions, but the length is {length}")
        if image.boxes.shape != (count, 4):
            raise BmnasError(f"{image.name}: has {count} regions, but boxes of shape {tuple(image.boxes.shape)}")
        batch.features[row, :count] = image.features
        batch.boxes[row, :count] = image.boxes
        batch.sizes[row] = torch.tensor(image.size)
    return batch


def is_padding(features: Tensor) -> Tensor:
    """Which regions (B, R) of features (B, R, C) are padding: those of which every number is zero."""
    return (features == 0).all(dim=-1)
