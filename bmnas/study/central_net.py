"""CentralNet as a genotype (Vielzeuf et al., "CentralNet: a Multilayer Approach for Multimodal Fusion", ECCV 2018).

A central network has a layer at each depth of the unimodal ones: h' = φ(W (α h + Σ αₘ xₘ)), where xₘ is what modality
m has at that depth, h what the central network has, and α are learnt numbers. Here every xₘ comes through a linear
reshape layer of its own, so that its αₘ / α is in that layer and α in W: the same functions, fewer parameters. Its
losses of the single modalities train these, which are fixed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bmnas.errors import BmnasError
from bmnas.genotype import INPUT_NAMES, Feature, Genotype, from_dict


def central_net(
    features: Sequence[Feature], *, channels: int, length: int, outputs: int, dropout: float = 0.2
) -> Genotype:
    """The network, a cell for each depth at which there are two things to add up.

    Depths are counted from the last feature of each modality, as the last ones are of one kind.

    Args:
        features: of all modalities; those of one in their order.
        channels: C.
        length: L.
        outputs: of the head.
        dropout: the rate.

    Raises:
        BmnasError: there are too many modalities for a cell, or there is one alone.
    """
    by_modality: dict[str, list[str]] = {}
    for feature in features:
        by_modality.setdefault(feature.modality, []).append(feature.name)
    if not 2 <= len(by_modality) < len(INPUT_NAMES):
        raise BmnasError(f"CentralNet adds up 2 to {len(INPUT_NAMES) - 1} modalities, not {len(by_modality)}")
    cells: list[dict[str, Any]] = []
    for depth in range(max(map(len, by_modality.values())), 0, -1):
        reads = [names[-depth] for names in by_modality.values() if len(names) >= depth]
        reads += [cells[-1]["name"]] if cells else []
        if len(reads) > 1:
            cells.append({"name": f"Central_{len(cells) + 1}", "inputs": reads, "steps": _steps(len(reads))})
    read = {name for cell in cells for name in cell["inputs"]}
    data = {
        "name": "central-net",
        "dialect": "paper",
        "representation": {"channels": channels, "length": length},
        "features": [feature.model_dump() for feature in features if feature.name in read],
        "cells": [{**cell, "output": ["Layer"]} for cell in cells],
        "output": [cells[-1]["name"]],
        "head": {"outputs": outputs},
        "dropout": dropout,
    }
    return from_dict(data, "central-net")


def _steps(count: int) -> list[dict[str, Any]]:
    """All inputs added up, and a dense layer: of two equal inputs, a fully connected one is that."""
    return [
        {"name": "Added", "op": "Sum", "inputs": list(INPUT_NAMES[:count])},
        {"name": "Layer", "op": "ConcatFC", "inputs": ["Added", "Added"]},
    ]
