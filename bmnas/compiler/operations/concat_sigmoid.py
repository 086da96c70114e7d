"""ConcatSigmoid: ConcatFC with a sigmoid, the other layer of MFAS (Pérez-Rúa et al., CVPR 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.size import Size


def official(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """dropout(sigmoid(batch norm(1x1 conv nC→C of the n concatenated inputs))): as ConcatFC in this dialect."""
    out = b.sigmoid(b.batch_norm(b.conv(b.concat(*nodes), size.channels)))
    return b.dropout(out, size.dropout)


def paper(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """sigmoid([x, y, ...] W + b)."""
    return b.sigmoid(b.conv(b.concat(*nodes), size.channels))
