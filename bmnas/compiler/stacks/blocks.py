"""Blocks: an operation with residual and norm, LN(x + dropout(f(x))), made from what a genotype says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bmnas.compiler.stacks.layers import (
    DepthwiseConv,
    FeedForward,
    GatedLinear,
    GuidedAttention,
    RelationAttention,
    SelfAttention,
    TokenNorm,
)
from bmnas.errors import BmnasError
from bmnas.genotype.stacks import BLOCKS, Block, StackGenotype
from bmnas.genotype.stacks.canonical import completed


@dataclass(frozen=True)
class BlockSize:
    """What an operation of blocks is built for.

    Attributes:
        width: H.
        head_width: d, where the block says no other one.
        relation_width: numbers of a relation.
        dropout: the rate.
        dialect: of the genotype.
    """

    width: int
    head_width: int
    relation_width: int
    dropout: float
    dialect: str

    @classmethod
    def of(cls, genotype: StackGenotype) -> BlockSize:
        """That of all blocks of a genotype."""
        return cls(genotype.width, genotype.head_width, genotype.relation_width, genotype.dropout, genotype.dialect)


@dataclass(frozen=True)
class Sight:
    """What a block can see beside its own sequence.

    Attributes:
        padding: (B, n), where its sequence is padding.
        memory: (B, m, H), the end of an earlier stack, where there is one.
        memory_padding: (B, m), where that is padding.
        relations: (B, n, n, W), of the boxes, where there are some.
    """

    padding: Tensor
    memory: Tensor | None = None
    memory_padding: Tensor | None = None
    relations: Tensor | None = None


class BlockModule(nn.Module):
    """One block of a stack.

    Args:
        block: of a genotype.
        size: of all its blocks.
        options: of the block, complete.
        residual: whether x is added.
        norm: whether the sum is normalised.

    Raises:
        BmnasError: an operation from outside the package cannot be built.
    """

    def __init__(
        self, block: Block, size: BlockSize, options: dict[str, Any], *, residual: bool = True, norm: bool = True
    ) -> None:
        super().__init__()
        operation = BLOCKS.find(block.op)
        self.op, self.reads, self.foreign, self.residual = block.op, operation.reads, bool(operation.build), residual
        if operation.build is None:
            self.inside: nn.Module = _BUILT[block.op](size, options)
        else:
            try:
                self.inside = operation.build(size, **options)
            except Exception as error:
                raise BmnasError(f"the operation of blocks {block.op!r} cannot be built: {error}") from error
        self.dropout = nn.Dropout(size.dropout)
        self.norm = TokenNorm(size.width) if norm else None

    def forward(self, x: Tensor, sight: Sight) -> Tensor:
        """(B, n, H) to (B, n, H)."""
        out = self.dropout(self._computed(x, sight))
        if self.residual:
            out = x + out
        return out if self.norm is None else self.norm(out)

    def _computed(self, x: Tensor, sight: Sight) -> Tensor:
        if self.foreign:
            more = (sight.memory, sight.memory_padding) if self.reads == "memory" else ()
            return self.inside(x, sight.padding, *more)
        if self.reads == "memory":
            return self.inside(x, sight.memory, sight.memory_padding)
        if self.reads == "relations":
            return self.inside(x, sight.padding, sight.relations)
        return self.inside(x, sight.padding) if self.op == "SelfAttention" else self.inside(x)


class IdentityBlock(nn.Module):
    """Nothing."""

    def forward(self, x: Tensor, sight: Sight) -> Tensor:
        """(B, n, H) as it is."""
        return x


def block_module(genotype: StackGenotype, block: Block) -> nn.Module:
    """The module of a block."""
    if block.op == "Identity":
        return IdentityBlock()
    return BlockModule(block, BlockSize.of(genotype), completed(genotype, block))


def _attention(kind: Callable[..., nn.Module]) -> Callable[[BlockSize, dict[str, Any]], nn.Module]:
    return lambda size, own: kind(size.width, own["head_width"], size.dropout, bias=size.dialect == "openvqa")


def _relations(size: BlockSize, own: dict[str, Any]) -> nn.Module:
    return RelationAttention(
        size.width, own["head_width"], size.relation_width, size.dropout, bias=size.dialect == "openvqa"
    )


_BUILT: dict[str, Callable[[BlockSize, dict[str, Any]], nn.Module]] = {
    "SelfAttention": _attention(SelfAttention),
    "GuidedAttention": _attention(GuidedAttention),
    "RelationAttention": _relations,
    "FeedForward": lambda size, own: FeedForward(size.width, own["factor"], size.dropout),
    "GatedLinear": lambda size, _own: GatedLinear(size.width),
    "DepthwiseConv": lambda size, own: DepthwiseConv(size.width, own["kernel"]),
}
