"""The primitives that a plan is made of, as plain values: what each of them gives, and what it costs. No torch here.

Shapes are those of one sample. A node is (C, L): C channels at L positions; a flat node is (N,). What computes a
primitive in torch is in `bmnas.compiler.program`; how it is written as source, in `bmnas.compiler.source`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from bmnas.compiler.size import Size

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Primitive:
    """One kind of computation. This one, without arguments of its own, keeps the shape of what it reads.

    A kind that has none either is a value as it stands; only arguments have to be made fields.

    Attributes:
        allocates: whether its result is new memory, not a view of what it reads.
        owned: whether the result is never the memory of what it reads, so that it may be written over.
        pure: whether two of it that read the same give the same: it has no weights and no randomness.
        given: whether it computes nothing, because its result is what the plan is run on.
    """

    allocates: ClassVar[bool] = True
    given: ClassVar[bool] = False
    pure: ClassVar[bool] = True
    owned: ClassVar[bool] = True

    def shape(self, reads: Sequence[Shape]) -> Shape:
        """The shape of the result, from those of what it reads."""
        return reads[0]

    def parameters(self, reads: Sequence[Shape]) -> dict[str, Shape]:
        """Its trainable tensors."""
        return {}

    def multiply_adds(self, reads: Sequence[Shape]) -> int:
        """The multiply-adds of its matrix products; element-wise work is not counted, as profilers do not count it."""
        return 0

    def kept(self, reads: Sequence[Shape]) -> int:
        """How many numbers it computes on the way to its result, which training keeps."""
        return 0

    def words(self) -> str:
        """For people: its name and arguments."""
        given = ", ".join(f"{name} {value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({given})" if given else type(self).__name__


@dataclass(frozen=True)
class Input(Primitive):
    """A feature as it comes, live or pooled; its shape here is the one that `Pool` gives a live one.

    Or whatever else a plan is run on, such as a flat node, which has no length.
    """

    allocates = False
    given = True
    pure = False

    channels: int
    length: int | None = None

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return (self.channels,) if self.length is None else (self.channels, self.length)


@dataclass(frozen=True)
class Pool(Primitive):
    """Adaptive max pooling of a feature to ``length`` positions, or to a divisor of it if the feature has so few.

    From here on nodes lie in memory as (B, positions, channels), so that a 1x1 convolution is one matrix product.
    """

    owned = False  # a feature that lies so already is not copied

    reshape: str
    length: int


class Scale(Primitive):
    """Every channel minus a mean, by a deviation: statistics of the training split, which are no parameters."""

    pure = False


class MeanPosition(Primitive):
    """(C, L) -> (C,), the mean over positions."""

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return reads[0][:1]


@dataclass(frozen=True)
class Stretch(Primitive):
    """Repeats positions, where a pooled feature has fewer than ``length``; what is computed before it, it saves."""

    allocates = False

    length: int

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return reads[0][0], self.length


@dataclass(frozen=True)
class Conv(Primitive):
    """A 1x1 convolution: the same linear map of the channels at every position."""

    pure = False

    channels: int
    bias: bool = True

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return self.channels, reads[0][1]

    def parameters(self, reads: Sequence[Shape]) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"weight": (self.channels, reads[0][0])}
        if self.bias:
            shapes["bias"] = (self.channels,)
        return shapes

    def multiply_adds(self, reads: Sequence[Shape]) -> int:
        return self.channels * prod(reads[0])


@dataclass(frozen=True)
class BatchNorm(Primitive):
    """Batch norm of every channel over batch and positions.

    Attributes:
        positions: to so many each position is repeated behind it, so that it counts as often; 0 where none is.
    """

    pure = False

    positions: int = 0

    def words(self) -> str:
        return f"BatchNorm(as {self.positions} positions)" if self.positions else "BatchNorm"

    def parameters(self, reads: Sequence[Shape]) -> dict[str, Shape]:
        return {"weight": (reads[0][0],), "bias": (reads[0][0],)}


class LayerNorm(Primitive):
    """Layer norm over (C, L)."""

    pure = False

    def parameters(self, reads: Sequence[Shape]) -> dict[str, Shape]:
        return {"weight": reads[0], "bias": reads[0]}


@dataclass(frozen=True)
class Dropout(Primitive):
    """Dropout with probability ``p``, while training.

    Attributes:
        p: see above.
        rectified: whether it is of max(x, 0).
    """

    pure = False

    p: float
    rectified: bool = False

    def words(self) -> str:
        return f"Dropout(p {self.p}{', rectified' if self.rectified else ''})"


@dataclass(frozen=True)
class InPlace(Primitive):
    """What can write its result where the first that it reads was, if nothing else needs that."""

    in_place: bool = False

    def words(self) -> str:
        return f"{type(self).__name__}{'(in place)' if self.in_place else ''}"


class Relu(InPlace):
    """max(x, 0)."""


class Sigmoid(InPlace):
    """1 / (1 + exp(-x))."""


class Tanh(InPlace):
    """The hyperbolic tangent."""


class Glu(Primitive):
    """The first half of the channels, times the sigmoid of the second."""

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return reads[0][0] // 2, reads[0][1]


class Concat(Primitive):
    """What it reads, one after the other along the channels."""

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return sum(channels for channels, _ in reads), reads[0][1]


@dataclass(frozen=True)
class Part(Primitive):
    """Some of the channels: those from ``start`` to ``stop``."""

    allocates = False

    start: int
    stop: int

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return self.stop - self.start, reads[0][1]


class Add(InPlace):
    """The sum of what it reads."""


class Multiply(InPlace):
    """The product of what it reads, element by element."""


@dataclass(frozen=True)
class Weights(Primitive):
    """The weights of ``count`` alternatives, as they come: the same for all samples."""

    allocates = False
    given = True
    pure = False

    count: int

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return (self.count,)


@dataclass(frozen=True)
class Mix(Primitive):
    """A choice that is not made (Eq. 2): the sum of the alternatives that it reads, times the `Weights` read last.

    Attributes:
        after: of how many first alternatives the sum is there already; it is then what is read first, in their place.
    """

    after: int = 0


@dataclass(frozen=True)
class Mixes(Primitive):
    """Several sums of the same ``count`` alternatives, in one product; their `Weights` are read behind them.

    Its result is a tuple, of which each `Pick` takes one. Of longer weights, the first so many count.
    """

    count: int


@dataclass(frozen=True)
class Pick(Primitive):
    """One of several results."""

    allocates = False

    number: int


class Maximum(Primitive):
    """The greatest of what it reads, element by element."""


class Mean(Primitive):
    """The mean of what it reads, element by element: in one go, as there may be many of them."""

    def kept(self, reads: Sequence[Shape]) -> int:
        return sum(prod(shape) for shape in reads)


@dataclass(frozen=True)
class Divide(Primitive):
    """x / ``by``."""

    by: int


class Complement(Primitive):
    """1 - x."""


class Zeros(Primitive):
    """Zeros in the shape of what it reads."""


@dataclass(frozen=True)
class Attend(Primitive):
    """softmax(q kᵀ / √(C/h)) v of query, key and value on each of ``heads`` h parts of the channels (Eq. 6)."""

    heads: int = 1

    def multiply_adds(self, reads: Sequence[Shape]) -> int:
        (channels, length), (_, positions) = reads[0], reads[1]
        return 2 * channels * length * positions

    def kept(self, reads: Sequence[Shape]) -> int:
        return self.heads * reads[0][1] * reads[1][1]


@dataclass(frozen=True)
class Foreign(Primitive):
    """An operation from outside the package, of which nothing is known but its name and options."""

    owned = False
    pure = False

    op: str
    options: tuple[tuple[str, Any], ...]
    size: Size

    def words(self) -> str:
        given = "".join(f", {name} {value}" for name, value in self.options)
        return f"Foreign({self.op}{given})"


class Flatten(Primitive):
    """(C, L) -> (C·L,), one channel after the other."""

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return (prod(reads[0]),)


class FlattenPositions(Flatten):
    """(C, L) -> (L·C,), one position after the other: as nodes lie in memory."""

    allocates = False


@dataclass(frozen=True)
class Linear(Primitive):
    """A linear layer with a bias on a flat node.

    Attributes:
        outputs: how many.
        zero: whether it begins as zero.
    """

    pure = False

    outputs: int
    zero: bool = False

    def words(self) -> str:
        return f"Linear(outputs {self.outputs}{', begins as zero' if self.zero else ''})"

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return (self.outputs,)

    def parameters(self, reads: Sequence[Shape]) -> dict[str, Shape]:
        return {"weight": (self.outputs, reads[0][0]), "bias": (self.outputs,)}

    def multiply_adds(self, reads: Sequence[Shape]) -> int:
        return self.outputs * reads[0][0]
