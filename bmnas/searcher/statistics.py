"""Batch-norm statistics that a pass in train mode leaves as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from bmnas.compiler.layers import BatchNorm


@contextmanager
def frozen_statistics(network: nn.Module) -> Iterator[None]:
    """Normalise by each batch's own statistics inside the block, but let none of them into the running ones.

    Architecture steps run on the validation split. Their statistics would otherwise be part of the eval mode in which
    that same split is scored (as they are in the released code).
    """
    norms = [(module, module.momentum) for module in network.modules() if isinstance(module, BatchNorm)]
    for module, _ in norms:
        module.momentum = 0.0
    try:
        yield
    finally:
        for module, momentum in norms:
            module.momentum = momentum
