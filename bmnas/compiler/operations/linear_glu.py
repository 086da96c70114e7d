"""LinearGLU: a gated linear unit (Eq. 7 on the inputs apart; the official dialect on both together)."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.size import Size


def official(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """dropout(GLU(batch norm(1x1 conv 2C→2C of [x, y]))), the gate taken from the second half."""
    out = b.glu(b.batch_norm(b.conv(b.concat(*nodes), 2 * size.channels)))
    return b.dropout(out, size.dropout)


def paper(b: Builder, nodes: Sequence[Id], size: Size) -> Id:
    """x W₁ ⊙ sigmoid(y W₂) with two C x C matrices."""
    x, y = nodes
    value = b.conv(x, size.channels, bias=False)
    return b.product(value, b.sigmoid(b.conv(y, size.channels, "gate", bias=False)))
