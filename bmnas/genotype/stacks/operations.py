"""The operations of blocks: what a stack of an encoder-decoder network applies, one after the other.

Each maps a sequence (B, n, H) to one of the same shape; all but `Identity` add what they compute to what they are given
and normalise the sum: LN(x + dropout(f(x))). The formulas are those of MMnas (Yu et al., ACM MM 2020) in its released
code. What they compute is in `bmnas.compiler.stacks.blocks`; a new operation is an entry here and one there. An
installed package adds one by an entry point of the group ``bmnas.blocks``: its name is the operation's, its object a
`BlockOperation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import Field

from bmnas.genotype.operation import Options
from bmnas.table import Table

Reads = Literal["self", "memory", "relations"]

Build = TypeVar("Build", bound=Callable[..., Any])


@dataclass(frozen=True)
class BlockOperation:
    """One operation of blocks.

    Attributes:
        name: as a genotype writes it.
        reads: ``self``: its own sequence alone; ``memory``: the end of an earlier stack, too; ``relations``: how the
            boxes of its regions lie to each other.
        equation: f, what is computed before residual and norm; H the width, h heads of d numbers.
        options: the model of its options; an option whose default is ``None`` takes the genotype's own value.
        build: for an operation from outside the package: what makes its module, from a `BlockSize` and the options.
        tint: what it does, in a word that drawings have a ground for.
    """

    name: str
    reads: Reads
    equation: str
    options: type[Options] = Options
    build: Callable[..., Any] | None = None
    tint: str = ""


class Heads(Options):
    """The option of attentions."""

    head_width: int | None = Field(
        default=None, ge=1, le=65_536, strict=True, description="d of each head; the genotype's own if left out."
    )


class Factor(Options):
    """The option of `FeedForward`."""

    factor: int = Field(default=4, ge=1, le=64, strict=True, description="Its inner width in widths.")


class Kernel(Options):
    """The option of `DepthwiseConv`."""

    kernel: Literal[1, 3, 5, 7, 9, 11, 13, 15] = Field(default=3, description="Positions that one output reads.")


BLOCKS: Table[BlockOperation] = Table(
    "operation of blocks",
    [
        BlockOperation(
            "SelfAttention",
            "self",
            "[head₁, ..., headₕ] W₀, headᵢ = softmax(x Qᵢ (x Kᵢ)ᵀ / √d) x Vᵢ; padding is not looked at",
            options=Heads,
            tint="attention",
        ),
        BlockOperation(
            "GuidedAttention",
            "memory",
            "the same with keys and values of the memory m: softmax(x Qᵢ (m Kᵢ)ᵀ / √d) m Vᵢ",
            options=Heads,
            tint="attention",
        ),
        BlockOperation(
            "RelationAttention",
            "relations",
            "SelfAttention with ln max(ReLU(ρ wᵢ + bᵢ), 10⁻⁶) added to the scores of headᵢ, ρ the relations of boxes",
            options=Heads,
            tint="gate",
        ),
        BlockOperation("FeedForward", "self", "ReLU(x W₁ + b₁) W₂ + b₂", options=Factor, tint="linear"),
        BlockOperation("Identity", "self", "x, and nothing is added to it", tint="zero"),
        BlockOperation("GatedLinear", "self", "(x W + b) ⊙ sigmoid(x V + c)", tint="gate"),
        BlockOperation(
            "DepthwiseConv",
            "self",
            "a convolution along the sequence, each channel by itself, then a linear map of each position",
            options=Kernel,
            tint="linear",
        ),
    ],
    group="bmnas.blocks",
)
"""By name."""

PACKAGED = tuple(BLOCKS)
"""The names of those that come with the package."""


def block_operation(
    name: str | None = None,
    *,
    reads: Reads = "self",
    equation: str | None = None,
    options: type[Options] = Options,
) -> Callable[[Build], Build]:
    """Make an operation of your own known; decorates what builds it, usually a class derived from `torch.nn.Module`.

    It is called with a `bmnas.compiler.stacks.BlockSize` and with the block's options as keywords. The module's
    ``forward`` is given x (B, n, H), where it is padding (B, n), and, with ``reads="memory"``, memory (B, m, H) and
    where that is padding (B, m); it returns f of the block, (B, n, H), to which x is added.

    Args:
        name: as genotypes write it; the decorated object's own name if left out.
        reads: ``self`` or ``memory``.
        equation: what it computes, for people; the first line of the docstring if left out.
        options: a subclass of `bmnas.Options` with a default for every option.

    Raises:
        ValueError: another operation has the name, an option has no default, or it reads something else.
    """

    def decorate(build: Build) -> Build:
        said = (build.__doc__ or "").strip().partition("\n")[0] if equation is None else equation
        if reads not in ("self", "memory"):
            raise ValueError(f"an operation of your own reads 'self' or 'memory', not {reads!r}")
        for option, field in options.model_fields.items():
            if field.is_required() or option == "op":
                raise ValueError(f"the option {option!r} needs a default, and another name than 'op'")
        BLOCKS.add(BlockOperation(name or build.__name__, reads, said, options=options, build=build))
        return build

    return decorate
