"""`StackSpace`: all encoder-decoder genotypes that a search could find: an operation of a pool for each block.

A mixed-radix number over the blocks of all stacks: of MMnas, 12 blocks of 2 operations and 18 of 4, 2^48 networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from random import Random

from bmnas.errors import BmnasError
from bmnas.genotype.numbers import below
from bmnas.genotype.stacks.schema import Block
from bmnas.genotype.stacks.value import StackGenotype

ENCODER_POOL = ("SelfAttention", "FeedForward")
DECODER_POOL = ("SelfAttention", "RelationAttention", "GuidedAttention", "FeedForward")
"""The pools of MMnas, in the order of its architecture parameters."""


@dataclass(frozen=True)
class StackSpace:
    """All genotypes that are as ``base`` is, but for the operations of its blocks.

    Attributes:
        base: everything but the blocks; of its stacks the blocks are of no account.
        pools: of each stack, of each block, the operations among which is chosen.

    Raises:
        BmnasError: there are not as many pools as stacks, a pool is empty, or an operation cannot be where it is.
    """

    base: StackGenotype
    pools: tuple[tuple[tuple[str, ...], ...], ...]

    def __post_init__(self) -> None:
        if len(self.pools) != len(self.base.stacks):
            raise BmnasError(f"there are {len(self.base.stacks)} stacks, but pools of {len(self.pools)}")
        for stack, pools in zip(self.base.stacks, self.pools, strict=True):
            for number, pool in enumerate(pools):
                if not pool or len(set(pool)) < len(pool):
                    raise BmnasError(f"block {number} of {stack.name} has no pool, or one with an operation twice")
        longest = max((len(pool) for pools in self.pools for pool in pools), default=0)
        for rank in range(longest):  # each operation is somewhere in one of these: what cannot be is refused here
            self._genotype([rank % radix for radix in self._radices])

    @property
    def count(self) -> int:
        """How many genotypes there are."""
        return prod(self._radices)

    def __getitem__(self, index: int) -> StackGenotype:
        if not 0 <= index < self.count:
            raise IndexError(index)
        digits = []
        for radix in reversed(self._radices):
            index, digit = divmod(index, radix)
            digits.append(digit)
        return self._genotype(digits[::-1])

    def index(self, genotype: StackGenotype) -> int:
        """The index of a genotype of the space.

        Raises:
            ValueError: it is none; name and provenance are of no account.
        """
        found = 0
        for radix, digit in zip(self._radices, self.digits(genotype), strict=True):
            found = found * radix + digit
        return found

    def __contains__(self, genotype: object) -> bool:
        if not isinstance(genotype, StackGenotype):
            return False
        try:
            self.digits(genotype)
        except ValueError:
            return False
        return True

    def digits(self, genotype: StackGenotype) -> list[int]:
        """Of each block, which operation of its pool it has.

        Raises:
            ValueError: the genotype is not of the space.
        """
        found: list[int] = []
        if len(genotype.stacks) != len(self.pools):
            raise ValueError(f"{genotype.name} has another number of stacks")
        for stack, pools in zip(genotype.stacks, self.pools, strict=True):
            if len(stack.blocks) != len(pools):
                raise ValueError(f"{genotype.name} has another number of blocks in {stack.name}")
            found += [pool.index(block.op) for block, pool in zip(stack.blocks, pools, strict=True)]
        if self._genotype(found) != genotype.model_copy(update={"name": self.base.name, "provenance": None}):
            raise ValueError(f"{genotype.name} differs from the space in more than its blocks")
        return found

    def of_digits(self, digits: Sequence[int]) -> StackGenotype:
        """The genotype with these operations, see `digits`."""
        return self._genotype(list(digits))

    def random(self, rng: Random) -> StackGenotype:
        """One of them, all equally likely."""
        return self._genotype([below(radix, rng) for radix in self._radices])

    def neighbours(self, genotype: StackGenotype) -> Iterator[StackGenotype]:
        """Those that differ from a genotype of the space in one block."""
        own = self.digits(genotype)
        for place, radix in enumerate(self._radices):
            for digit in range(radix):
                if digit != own[place]:
                    yield self._genotype([*own[:place], digit, *own[place + 1 :]])

    def mutate(self, genotype: StackGenotype, rng: Random) -> StackGenotype:
        """One of its neighbours, all equally likely; itself, where there are none."""
        own = self.digits(genotype)
        count = sum(radix - 1 for radix in self._radices)
        if not count:
            return genotype
        number = below(count, rng)
        for place, radix in enumerate(self._radices):
            if number < radix - 1:
                digit = number + (number >= own[place])
                return self._genotype([*own[:place], digit, *own[place + 1 :]])
            number -= radix - 1
        raise AssertionError("a number below their count is one of them")

    def crossover(self, a: StackGenotype, b: StackGenotype, rng: Random) -> StackGenotype:
        """A child: each block is that of one of two parents."""
        pairs = zip(self.digits(a), self.digits(b), strict=True)
        return self._genotype([pair[below(2, rng)] for pair in pairs])

    @cached_property
    def _radices(self) -> tuple[int, ...]:
        return tuple(len(pool) for pools in self.pools for pool in pools)

    def _genotype(self, digits: list[int]) -> StackGenotype:
        rest = iter(digits)
        stacks = [
            {**stack.model_dump(exclude={"blocks"}), "blocks": [Block(op=pool[next(rest)]) for pool in pools]}
            for stack, pools in zip(self.base.stacks, self.pools, strict=True)
        ]
        return StackGenotype(**{**dict(self.base), "stacks": stacks, "provenance": None})
