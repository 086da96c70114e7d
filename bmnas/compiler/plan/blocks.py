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


@dataclass(frozen=True)
class ReshapedFeature(Block):
    """A feature and its reshape layer."""

    channels: int
    reshape: str

    def words(self) -> str:
        return f"Feature({self.reshape}, {self.channels} channels)"


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
