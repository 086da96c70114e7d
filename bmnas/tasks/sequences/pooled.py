"""Texts and regions as ordinary features, one vector or one sequence each, for networks that do not read tokens.

Axes: N samples, W places for words, T tokens, R regions, C channels.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from bmnas.genotype import Feature
from bmnas.tasks.sequences.names import QUESTION, REGIONS
from bmnas.tasks.sequences.pairs import PairData
from bmnas.tasks.sequences.regions import RegionBatch, is_padding

TextFeature = Literal["words", "end", "bag"]
RegionFeature = Literal["each", "slots", "max", "mean"]

# How many words at the end of a text `end` has, and how many numbers say where a region is.
END = 3
PLACE = 5


def text_features(kinds: tuple[TextFeature, ...], words: int) -> tuple[Feature, ...]:
    """The features of texts that `pooled_texts` gives.

    Args:
        kinds: which, from the first to the last.
        words: W.
    """
    return tuple(_feature(QUESTION, kind, END * words if kind == "end" else words) for kind in kinds)


def region_features(kinds: tuple[RegionFeature, ...], channels: int, regions: int) -> tuple[Feature, ...]:
    """The features of regions that `pooled_regions` gives.

    Args:
        kinds: which, from the first to the last.
        channels: C.
        regions: R.
    """
    own = channels + PLACE
    return tuple(_feature(REGIONS, kind, own * regions if kind == "slots" else own) for kind in kinds)


def pooled_texts(
    tokens: Tensor, kinds: tuple[TextFeature, ...], words: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features of texts by name, and the lengths of those that have padding.

    ``words`` is one word after another (N, W, T), each a one at its place; ``end`` the last three words one behind the
    other (N, 3 · W); ``bag`` how often each word is there (N, W). A word whose number is W or more counts as unknown.

    Args:
        tokens: (N, T).
        kinds: which are wanted.
        words: W.
    """
    known = torch.where(tokens < words, tokens, 1)
    lengths = (known != 0).sum(dim=1)
    found, told = {}, {}
    for kind in kinds:
        name = _name(QUESTION, kind)
        if kind == "words":
            found[name], told[name] = _ones(known, words).transpose(1, 2), lengths
        elif kind == "end":
            places = lengths[:, None] - torch.arange(END, 0, -1)
            last = torch.where(places >= 0, known.gather(1, places.clamp(min=0)), 0)
            found[name] = _ones(last, words).flatten(1)
        else:
            found[name] = torch.zeros(len(known), words).scatter_add_(1, known, (known != 0).float())
    return found, told


def pooled_regions(
    regions: RegionBatch, kinds: tuple[RegionFeature, ...]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features of regions by name, and the lengths of those that have padding.

    To the channels of a region come five numbers that say where it is: x1, y1, x2, y2 in widths and heights of the
    image, and its share of the image. ``each`` is one region after another (N, C + 5, R); ``slots`` all of them in one
    vector (N, R · (C + 5)); ``max`` and ``mean`` are over the regions that are no padding (N, C + 5).

    Args:
        regions: of the samples.
        kinds: which are wanted.
    """
    there = ~is_padding(regions.features)
    each = torch.cat([regions.features, placed(regions)], dim=2) * there[..., None]
    found, told = {}, {}
    for kind in kinds:
        name = _name(REGIONS, kind)
        if kind == "each":
            found[name], told[name] = each.transpose(1, 2), _last(there)
        elif kind == "slots":
            found[name] = each.flatten(1)
        elif kind == "max":
            found[name] = each.masked_fill(~there[..., None], -torch.inf).amax(dim=1)
        else:
            found[name] = each.sum(dim=1) / there.sum(dim=1, keepdim=True)
    return found, told


def placed(regions: RegionBatch) -> Tensor:
    """Where regions are (N, R, 5): x1, y1, x2, y2 as shares of the image's sides, and the share of its area."""
    shares = regions.boxes / torch.cat([regions.sizes, regions.sizes], dim=1)[:, None]
    area = (shares[..., 2:] - shares[..., :2]).prod(dim=-1, keepdim=True)
    return torch.cat([shares, area], dim=-1)


def kinds_of(features: tuple[Feature, ...], modality: str) -> tuple[str, ...]:
    """The kinds of a modality's features, from their names."""
    return tuple(one.name.removeprefix(f"{modality}_") for one in features if one.modality == modality)


def whole_regions(data: PairData, images: Tensor) -> RegionBatch:
    """The regions of images (N,), each image read once."""
    used, place = images.unique(return_inverse=True)
    return data.regions.take(used)[place]


def _ones(tokens: Tensor, words: int) -> Tensor:
    """A one at the place of each word (..., W); nothing for padding."""
    return F.one_hot(tokens, words).float() * (tokens != 0)[..., None]


def _last(there: Tensor) -> Tensor:
    """How many regions there are up to the last that is no padding."""
    return (there * torch.arange(1, there.shape[1] + 1)).amax(dim=1)


def _feature(modality: str, kind: str, channels: int) -> Feature:
    return Feature(name=_name(modality, kind), modality=modality, channels=channels, reshape="sequence")


def _name(modality: str, kind: str) -> str:
    return f"{modality}_{kind}"
