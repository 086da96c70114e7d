"""The operations that a step can apply: name, number of inputs, equation. Their torch code is in `bmnas.compiler`.

A new operation is one entry here and one file in ``bmnas/compiler/operations/``; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

# What the inputs of a cell are called inside it, in their order.
INPUT_NAMES = ("x", "y", "z", "w", "v", "u")


@dataclass(frozen=True)
class Operation:
    """One primitive operation.

    Attributes:
        name: as a genotype writes it.
        arity: the least and the greatest number of inputs; ``None`` means as many as the step names.
        commutative: the result does not depend on the order of the inputs.
        equation: what the paper says it computes (Eq. 4-8).
        official: what the official dialect computes beyond it, or instead.
    """

    name: str
    arity: tuple[int, int | None]
    commutative: bool
    equation: str
    official: str = ""

    def takes(self, inputs: int) -> bool:
        """Whether the operation accepts this number of inputs."""
        least, most = self.arity
        return inputs >= least and (most is None or inputs <= most)

    def arity_in_words(self) -> str:
        """For messages: ``two inputs``, ``two or more inputs``."""
        words = ("no", "one", "two", "three", "four")
        least, most = self.arity
        return f"{words[least]} inputs" if most == least else f"{words[least]} or more inputs"


def table(*operations: Operation) -> dict[str, Operation]:
    """Operations by name.

    Raises:
        ValueError: two have the same name.
    """
    by_name = {operation.name: operation for operation in operations}
    if len(by_name) != len(operations):
        raise ValueError("two operations have the same name")
    return by_name


OPERATIONS = table(
    Operation("Zero", (2, None), True, "0  (Eq. 4)"),
    Operation("Sum", (2, None), True, "x + y  (Eq. 5)"),
    Operation(
        "Attention", (2, 2), False, "softmax(x yᵀ / √C) y  (Eq. 6)", "then dropout 0.1 and layer norm over (C, L)"
    ),
    Operation(
        "LinearGLU",
        (2, 2),
        False,
        "x W₁ ⊙ sigmoid(y W₂)  (Eq. 7)",
        "instead: dropout(GLU(batch norm(1x1 conv 2C→2C of [x, y])))",
    ),
    Operation(
        "ConcatFC",
        (2, None),
        False,
        "ReLU([x, y] W + b)  (Eq. 8)",
        "instead: dropout(ReLU(batch norm(1x1 conv 2C→C of [x, y])))",
    ),
)
