"""Small hypernets and batches for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn

from bmnas.compiler import functional
from bmnas.genotype import Feature
from bmnas.searcher.hypernet import Hypernet, HypernetSize, network

POOL = ("Sum", "Attention", "LinearGLU", "ConcatFC")
FEATURES = (
    Feature(name="whole", modality="A", channels=5, reshape="sequence"),
    Feature(name="half", modality="A", channels=7, reshape="sequence"),
    Feature(name="vector", modality="B", channels=3, reshape="sequence"),
    Feature(name="map", modality="B", channels=4, reshape="grid"),
    Feature(name="ready", modality="B", channels=6, reshape="none"),
)
SHAPES = {"whole": (5, 4), "half": (7, 2), "vector": (3, 1), "map": (4, 2, 2), "ready": (6, 4)}


def small(seeds: int = 1, **changes: object) -> Hypernet:
    """C = 6, L = 4, in float64, with logits and batch-norm weights that are far from equal."""
    settings = {
        "features": FEATURES,
        "operations": POOL,
        "cells": 2,
        "steps": 2,
        "cell_outputs": 2,
        "channels": 6,
        "length": 4,
        "dropout": 0.3,
        "outputs": 3,
    }
    net = Hypernet(HypernetSize(**settings | changes), seeds).double()
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if name.startswith(("alpha", "beta", "gamma")) or name.endswith(("bn.bias", "ln.bias", "running_mean")):
                tensor.normal_()
            elif name.endswith(("bn.weight", "ln.weight", "running_var")):
                tensor.uniform_(0.5, 1.5)
    return net


def batch(seeds: int = 1, samples: int = 5) -> dict[str, Tensor]:
    return {name: torch.randn(seeds, samples, *shape, dtype=torch.float64) for name, shape in SHAPES.items()}


def without_dropout(net: Hypernet) -> Hypernet:
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return net


@contextmanager
def plainly() -> Iterator[None]:
    """Hypernets that are first used in the block compute every sum by itself, as Eq. 2 writes it."""

    def summed(nodes: Sequence[Tensor], weights: Tensor, begun: Tensor | None = None) -> Tensor:
        assert begun is None
        return torch.einsum("ekblc,ke->kblc", torch.stack(list(nodes)), weights)

    with (
        mock.patch.object(network, "WHILE_TRAINING", ()),
        mock.patch.object(functional, "weighted_sum", summed),
    ):
        yield
