"""Small pairs of texts and images, made on the spot."""

from __future__ import annotations

import torch

from bmnas.tasks.sequences import PairData, RegionTable, single_answers


def regions(images: int = 4, length: int = 5, channels: int = 3, seed: int = 0) -> RegionTable:
    """Images of 100 x 80 pixels; the last region of the odd ones is padding."""
    random = torch.Generator().manual_seed(seed)
    features = torch.randn(images, length, channels, generator=random)
    corner = torch.rand(images, length, 2, generator=random) * 40
    boxes = torch.cat([corner, corner + 10 + torch.rand(images, length, 2, generator=random) * 25], dim=-1)
    features[1::2, -1], boxes[1::2, -1] = 0, 0
    return RegionTable(features, boxes, torch.tensor([[100.0, 80.0]]).expand(images, 2))


def questions(count: int = 12, images: int = 4, *, words: int = 9, outputs: int = 3, seed: int = 0) -> PairData:
    """Questions with one right answer each; the images take turns."""
    random = torch.Generator().manual_seed(seed)
    tokens = torch.randint(3, words, (count, 6), generator=random)
    tokens[::2, 4:] = 0
    labels = torch.randint(outputs, (count,), generator=random)
    return PairData(
        tokens, regions(images), torch.arange(count) % images, words, single_answers(labels), outputs, where="made up"
    )


def texts(count: int = 12, images: int = 4, *, gallery: tuple[int, ...] = ()) -> PairData:
    """Texts that are to be found; the images take turns."""
    made = questions(count, images)
    return PairData(made.tokens, made.regions, made.image, made.words, gallery=torch.tensor(gallery, dtype=torch.int64))


def descriptions(count: int = 12, images: int = 4, seed: int = 0) -> PairData:
    """Descriptions of the region whose number is that of the text modulo 4, whose box is the true one."""
    made = questions(count, images, seed=seed)
    boxes = made.regions.take(made.image).boxes[torch.arange(count), torch.arange(count) % 4]
    return PairData(made.tokens, made.regions, made.image, made.words, {"truth": boxes})
