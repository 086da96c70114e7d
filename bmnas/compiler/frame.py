"""The parts of a fusion network around its operations, in both dialects: what they compute, as primitives. No torch.

The hypernet of a search is built from the same parts. The paper dialect is what the paper writes down, no more: no
batch norm, no layer norm, no residual. The paper does not say where its dropout is (Table 8), nor what its classifier
is: here the dropout follows the reshape layers, and the classifier is a linear layer.
"""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.operations import concat_fc
from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.plan.primitives import Flatten, Pool, Stretch
from bmnas.compiler.size import Size


def reshape(b: Builder, feature: Id, kind: str, size: Size) -> Id:
    """Reshape layer (Section 3.1): pooling, 1x1 conv, and in the official dialect batch norm, ReLU; dropout.

    With ``reshape="none"`` the feature is passed on as it is and there are no parameters.

    Args:
        b: what the primitives are added to.
        feature: the feature, live or pooled.
        kind: ``"sequence"``, ``"grid"`` or ``"none"``, see `bmnas.compiler.pooling.pool`.
        size: channels, length, dropout and dialect.
    """
    x = b.add(Pool(kind, size.length), feature, name="pool")
    if kind == "none":
        return x
    # After the convolution, as positions that repeat each other need to be multiplied only once.
    x = b.add(Stretch(size.length), b.conv(x, size.channels), name="stretch")
    if size.dialect == "official":
        x = b.relu(b.batch_norm(x))
    return b.dropout(x, size.dropout)


def cell_output(b: Builder, nodes: Sequence[Id], x: Id | None, size: Size) -> Id:
    """The end of a cell: its output nodes, reduced by a ConcatFC where there are several.

    The official dialect adds x, the cell's first input, and a layer norm.
    """
    if size.dialect == "paper":
        return nodes[0] if len(nodes) == 1 else concat_fc.paper(b, nodes, size)
    assert x is not None, "the official dialect adds x"
    out = nodes[0] if len(nodes) == 1 else concat_fc.official(b, nodes, size)
    return b.layer_norm(b.sum(out, x))


def network_output(b: Builder, nodes: Sequence[Id], outputs: int | None, size: Size) -> Id:
    """The end of the network: output nodes concatenated on channels, flattened, linear.

    The official dialect has layer norm over (N·C, L) and ReLU after the concatenation. Without ``outputs`` there is no
    linear layer: the result is the flattened fused representation.
    """
    out = b.concat(*nodes)
    if size.dialect == "official":
        out = b.relu(b.layer_norm(out))
    out = b.add(Flatten(), out, name="flatten")
    return out if outputs is None else b.linear(out, outputs, "head")
