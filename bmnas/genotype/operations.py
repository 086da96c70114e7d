"""The operations that a step can apply, in one table. What they compute is in `bmnas.compiler.operations`.

A new operation of the package is one entry here and one file there; a test holds the two together. One from outside
the package is registered, see `bmnas.genotype.extension`.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bmnas.genotype.operation import Operation, Options

# What the inputs of a cell are called inside it, in their order.
INPUT_NAMES = ("x", "y", "z", "w", "v", "u")


class Heads(Options):
    """The option of `MultiHeadAttention`."""

    heads: int = Field(
        default=2, ge=1, le=1024, strict=True, description="How many heads; they share the channels evenly."
    )


def table(*operations: Operation) -> dict[str, Operation]:
    """Operations by name.

    Raises:
        ValueError: two have the same name.
    """
    by_name = {operation.name: operation for operation in operations}
    if len(by_name) != len(operations):
        raise ValueError("two operations have the same name")
    return by_name


def _heads_divide(options: dict[str, Any], channels: int) -> tuple[str, str] | None:
    heads = options["heads"]
    if channels % heads == 0:
        return None
    fitting = ", ".join(str(number) for number in range(1, min(channels, 16) + 1) if channels % number == 0)
    return "heads", f"is {heads}, which does not divide the representation's {channels} channels; {fitting} would"


OPERATIONS = table(
    Operation("Zero", (2, None), True, "0  (Eq. 4)"),
    Operation("Sum", (2, None), True, "x + y  (Eq. 5)"),
    Operation(
        "Attention",
        (2, 3),
        False,
        "softmax(x yᵀ / √C) y  (Eq. 6); of three inputs, query, key and value: softmax(x yᵀ / √C) z",
        "then dropout 0.1 and layer norm over (C, L)",
        repeats_last=True,
    ),
    Operation(
        "LinearGLU",
        (2, 2),
        False,
        "x W₁ ⊙ sigmoid(y W₂)  (Eq. 7)",
        "instead: dropout(GLU(batch norm(1x1 conv 2C→2C of [x, y])))",
        weights=True,
    ),
    Operation(
        "ConcatFC",
        (2, None),
        False,
        "ReLU([x, y] W + b)  (Eq. 8)",
        "instead: dropout(ReLU(batch norm(1x1 conv 2C→C of [x, y])))",
        weights=True,
    ),
    Operation("Mul", (2, None), True, "x ⊙ y"),
    Operation("Max", (2, None), True, "max(x, y), element by element"),
    Operation("Mean", (2, None), True, "(x + y) / 2"),
    Operation(
        "GatedSum",
        (2, None),
        False,
        "g ⊙ tanh(x W₁) + (1 - g) ⊙ tanh(y W₂), g = sigmoid([x, y] W₃); of more inputs, Σ gᵢ ⊙ tanh(xᵢ Wᵢ), each with "
        "a gate of its own  (gated multimodal unit, Arevalo et al. 2017)",
        "then dropout",
        weights=True,
    ),
    Operation(
        "ConcatSigmoid",
        (2, None),
        False,
        "sigmoid([x, y] W + b)  (the other nonlinearity of MFAS, Pérez-Rúa et al. 2019)",
        "instead: dropout(sigmoid(batch norm(1x1 conv 2C→C of [x, y])))",
        weights=True,
    ),
    Operation(
        "Bilinear",
        (2, None),
        False,
        "(tanh(x U + a) ⊙ tanh(y V + b)) P + c, of rank C; of more inputs, the product of all factors  (low-rank "
        "bilinear pooling, Kim et al. 2017)",
        "then batch norm and dropout",
        weights=True,
    ),
    Operation(
        "MultiHeadAttention",
        (2, 3),
        False,
        "[head₁, ..., headₕ] W₀ + b₀, each head Eq. 6 on projections of its own to C / h channels  (Vaswani et al. "
        "2017)",
        "then dropout 0.1 and layer norm over (C, L)",
        repeats_last=True,
        weights=True,
        options=Heads,
        misfit=_heads_divide,
    ),
)
