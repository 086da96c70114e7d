"""Regions that were found by bottom-up attention, a NumPy archive an image, read when an image is asked for.

An archive has ``x`` (C, n), features first, ``bbox`` (n, 4) x1, y1, x2, y2 in pixels, ``image_h`` and ``image_w``.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.files import reason
from bmnas.tasks.sequences import Image, RegionBatch, padded
from bmnas.tasks.sequences.checks import refuse_wrong_images

ENDING = ".npz"
_KEYS = ("x", "bbox", "image_h", "image_w")
# 100 regions of 2048 numbers are 0.8 MB.
_LARGEST = 2**27
_NUMBER = re.compile(r"(\d+)\.[^_]*$")


class RegionFiles:
    """Images whose regions lie in files; a batch reads each of its images once. See `RegionSource`.

    Args:
        paths: the archive of each image.
        length: how many regions an image has at most.
        channels: C; that of the first file if left out.

    Raises:
        BmnasError: the first file cannot be read, where it has to be.
    """

    def __init__(self, paths: Sequence[Path], length: int, channels: int | None = None) -> None:
        self.paths = tuple(paths)
        self.length = length
        self.channels = read_regions(self.paths[0]).features.shape[1] if channels is None else channels

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.paths)

    def name(self, image: int) -> str:
        """The path of its file."""
        return str(self.paths[image])

    def take(self, images: Tensor) -> RegionBatch:
        """See `RegionSource.take`.

        Raises:
            BmnasError: a file cannot be read, has more regions than the length, other channels, or boxes outside its
                image.
        """
        used, place = images.unique(return_inverse=True)
        read = [read_regions(self.paths[image]) for image in used.tolist()]
        for image in read:
            if image.features.shape[1] != self.channels:
                raise BmnasError(
                    f"{image.name}: its regions have {image.features.shape[1]} channels, but those of "
                    f"{self.paths[0]} have {self.channels}: they are features of another backbone"
                )
        batch = padded(read, self.length, self.channels)
        refuse_wrong_images(batch.features, batch.boxes, batch.sizes, lambda row: read[row].name)
        return batch[place]


def read_regions(path: Path) -> Image:
    """The regions of one file, as data alone: nothing in it is run.

    Raises:
        BmnasError: it cannot be read, or is not such an archive.
    """
    arrays = _arrays(path)
    features, boxes = arrays["x"], arrays["bbox"]
    if features.ndim != 2 or boxes.shape != (features.shape[1], 4):
        raise BmnasError(
            f"{path}: x has shape {features.shape} and bbox {boxes.shape}, but should be (channels, regions) and "
            "(regions, 4)"
        )
    sizes = [arrays[key] for key in ("image_w", "image_h")]
    if any(size.size != 1 for size in sizes):
        raise BmnasError(f"{path}: image_w and image_h should be one number each")
    width, height = (float(size.reshape(())) for size in sizes)
    return Image(_floats(features.T), _floats(boxes), (width, height), str(path))


def files_by_number(folder: Path) -> dict[int, Path]:
    """The archives of a folder by the number of their image: ``COCO_train2014_000000000009.jpg.npz`` is 9's.

    Raises:
        BmnasError: there is no such folder, or it has none.
    """
    try:
        found = {
            int(number[1]): path
            for path in sorted(folder.iterdir())
            if path.name.endswith(ENDING) and (number := _NUMBER.search(path.name.rpartition("_")[2]))
        }
    except OSError as error:
        raise BmnasError(f"{folder}: cannot be read: {reason(error)}; it should have the regions, {EXPECTED}") from None
    if not found:
        raise BmnasError(f"{folder}: has no regions, {EXPECTED}")
    return found


EXPECTED = "an archive NAME_NUMBER.jpg.npz an image, with x, bbox, image_h and image_w"


def _arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                raise BmnasError(f"{path}: is larger than {_LARGEST // 2**20} MiB when it is unpacked")
        with np.load(path, allow_pickle=False) as arrays:
            for key in _KEYS:
                if key not in arrays:
                    raise BmnasError(f"{path}: has no {key!r}{did_you_mean(key, list(arrays))}")
            found = {key: np.asarray(arrays[key]) for key in _KEYS}
    except OSError as error:
        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from None
    except (ValueError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BmnasError(f"{path}: is no whole NumPy archive: {short(str(error))}") from None
    for key, values in found.items():
        if values.dtype.kind not in "fiu":
            raise BmnasError(f"{path}: {key} is {values.dtype}, but should be numbers")
    return found


def _floats(values: np.ndarray[Any, Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
