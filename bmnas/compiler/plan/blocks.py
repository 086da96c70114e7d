"""What a plan consists of before it is lowered: the genotype's own nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bmnas.compiler.plan.primitives import Primitive, Shape
from bmnas.compiler.size import Size


@dataclass(frozen=True)
class Block(Primitive):
    """A node of the genotype, not yet lowered."""

    size: Size

    def shape(self, reads: Sequence[Shape]) -> Shape:
        return self.size.channels, self.size.length

    def read_shape(self, number: int) -> Shape:
        """The shape of what it reads there."""
        return self.size.channels, self.size.length


@dataclass(frozen=True)
class Raw:
    """What there is to know of a feature as it comes.

    Attributes:
        channels: of it.
        reshape: how it is pooled.
        scaled: whether its channels are scaled.
    """

    channels: int
    reshape: str
    scaled: bool = False

    def __str__(self) -> str:
        return f"{self.reshape}, {self.channels} channels{', scaled' if self.scaled else ''}"


@dataclass(frozen=True)
class ReshapedFeature(Block):
    """The reshape layer of a feature, which it reads as it comes."""

    raw: Raw

    def read_shape(self, number: int) -> Shape:
        return self.raw.channels, self.size.length

    def words(self) -> str:
        return f"Feature({self.raw})"


@dataclass(frozen=True)
class Step(Block):
    """A step: an operation with its options."""

    op: str
    options: tuple[tuple[str, Any], ...]

    def words(self) -> str:
        given = ", ".join(f"{name} {value}" for name, value in self.options)
        return f"{self.op}({given})" if given else self.op


@dataclass(frozen=True)
class CellOutput(Block):
    """The end of a cell. Of the official dialect, the last that it reads is the cell's x."""

    def words(self) -> str:
        return "CellOutput"


@dataclass(frozen=True)
class NetworkOutput(Block):
    """The end of the network, with the head's outputs if there is a head."""

    outputs: int | None

    def words(self) -> str:
        return "NetworkOutput" if self.outputs is None else f"NetworkOutput({self.outputs} outputs)"


@dataclass(frozen=True)
class SummedHeads(Block):
    """The end of a network that adds the results of heads, one for each node that it reads.

    Attributes:
        outputs: of each head.
        heads: of each node, the name of its head, and what it is where it is a feature as it comes.
    """

    outputs: int
    heads: tuple[tuple[str, Raw | None], ...]

    def read_shape(self, number: int) -> Shape:
        raw = self.heads[number][1]
        return (raw.channels if raw else self.size.channels), self.size.length

    def words(self) -> str:
        return f"SummedHeads({len(self.heads)} heads, {self.outputs} outputs)"
