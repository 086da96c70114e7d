"""The parts of a fusion network around its operations, in both dialects: what they compute, as primitives. No torch.

The hypernet of a search is built from the same parts. The paper dialect is what the paper writes down, no more: no
batch norm, no layer norm, no residual. The paper does not say where its dropout is (Table 8), nor what its classifier
is: here the dropout follows the reshape layers, and the classifier is a linear layer.
"""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.compiler.operations import concat_fc
from bmnas.compiler.plan.blocks import Raw
from bmnas.compiler.plan.builder import Builder
from bmnas.compiler.plan.plan import Id
from bmnas.compiler.plan.primitives import Add, Flatten, Pool, Stretch
from bmnas.compiler.size import Size


def reshape(b: Builder, feature: Id, raw: Raw, size: Size) -> Id:
    """Reshape layer (Section 3.1): pooling, 1x1 conv, and in the official dialect batch norm, ReLU; dropout.

    With ``reshape="none"`` the feature is passed on as it is and there are no parameters.

    Args:
        b: what the primitives are added to.
        feature: the feature, live or pooled.
        raw: what it is.
        size: channels, length, dropout and dialect.
    """
    x = _pooled(b, feature, raw, size)
    if raw.reshape == "none":
        return x
    # After the convolution, as positions that repeat each other need to be multiplied only once.
    x = b.add(Stretch(size.length), b.conv(x, size.channels), name="stretch")
    if size.dialect == "official":
        x = b.relu(b.batch_norm(x))
    return b.dropout(x, size.dropout)


def _pooled(b: Builder, feature: Id, raw: Raw, size: Size, scale: str = "scale") -> Id:
    """A feature pooled, see `bmnas.compiler.pooling.pool`, and scaled where it is."""
    x = b.add(Pool(raw.reshape, size.length), feature, name="pool")
    return b.scale(x, scale) if raw.scaled else x


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


def summed_heads(
    b: Builder, nodes: Sequence[Id], heads: Sequence[tuple[str, Raw | None]], outputs: int, size: Size
) -> Id:
    """The end of a network that begins at its features: the sum of a linear head for each node.

    A feature's head reads the feature as it comes, pooled to its mean over positions and scaled: with all of them
    fitted together, this is a (multinomial) logistic regression on the features side by side; each by itself, the sum
    of their log-probabilities, up to what is the same for all classes. A cell's head reads the flattened cell and
    begins as zero, so that cells add nothing before they are trained.

    Args:
        b: what the primitives are added to.
        nodes: features as they come, and cells.
        heads: of each node, the name of its head, and what it is if it is a feature.
        outputs: of each head.
        size: channels and length of the cells.
    """
    of_features, of_cells = [], []
    for node, (name, raw) in zip(nodes, heads, strict=True):
        if raw is None:
            flat = b.add(Flatten(), node, name="flatten")
            of_cells.append(b.linear(flat, outputs, f"heads.{name}", zero=True))
        else:
            mean = b.mean_position(_pooled(b, node, raw, size, f"scales.{name}"))
            of_features.append(b.linear(mean, outputs, f"heads.{name}"))
    # Apart, as a hypernet computes those of features once for many choices of cells.
    anchor = [b.add(Add(), *of_features, name=ANCHOR)] if len(of_features) > 1 else of_features
    logits = [*anchor, *of_cells]
    return logits[0] if len(logits) == 1 else b.sum(*logits)


ANCHOR = "anchor"
"""The name of the sum of the features' heads, where there are several."""
