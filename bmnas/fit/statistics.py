"""Batch-norm statistics that a pass in train mode leaves as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def frozen_statistics(network: nn.Module) -> Iterator[None]:
    """Normalise by each batch's own statistics inside the block, but let none of them into the running ones.

    Architecture steps run on the validation split. Their statistics would otherwise be part of the eval mode in which
    that same split is scored (as they are in the released code).
    """
    norms = [(module, module.momentum) for module in batch_norms(network)]
    for module, _ in norms:
        module.momentum = 0.0
    try:
        yield
    finally:
        for module, momentum in norms:
            module.momentum = momentum


def batch_norms(network: nn.Module) -> list[Any]:
    """The layers that normalise a batch and keep running statistics: PyTorch's own kinds, and the compiler's."""
    return [module for module in network.modules() if isinstance(getattr(module, "running_mean", None), Tensor)]
