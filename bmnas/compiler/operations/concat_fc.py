"""ConcatFC: a fully connected layer on the concatenated inputs (Eq. 8; the official dialect adds batch norm)."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.size import Size


def official(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """dropout(ReLU(batch norm(1x1 conv nC→C of the n concatenated inputs)))."""
    out = b.relu(b.batch_norm(b.conv(b.concat(*nodes), size.channels)))
    return b.dropout(out, size.dropout)


def paper(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """ReLU([x, y, ...] W + b)."""
    return b.relu(b.conv(b.concat(*nodes), size.channels))
