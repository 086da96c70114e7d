"""`Space`: all genotypes that a search could find, as a frozen value that behaves like a sequence of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator

from bmnas.errors import BmnasError, GenotypeError
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.numbers import below
from bmnas.genotype.schema import Cell, Feature, Representation
from bmnas.genotype.space import lower, numbering, upper
from bmnas.genotype.space.choices import Choices, Nodes
from bmnas.genotype.space.members import Members
from bmnas.genotype.space.refusals import refuse_impossible, sentence, shown
from bmnas.genotype.space.rules import OFFICIAL, OFFICIAL_POOL, PAPER, PAPER_POOL
from bmnas.genotype.space.statement import Statement
from bmnas.genotype.space.subsets import Subsets
from bmnas.genotype.space.tuples import Tuples
from bmnas.genotype.space.variation import Neighbours, children


class Space(Statement):
    """All genotypes with the same features, sizes and settings, whose cells and steps keep to the rules.

    A genotype of the space chooses, for each cell, the set of nodes that it reads; for each step, an operation and its
    inputs in their order. It is written in one way: cells are called Cell_1, Cell_2, ..., steps Step_1, Step_2, ...; a
    cell's inputs are in node order (features, then cells); the output is all cells. Membership is of the genotype as
    it is written, apart from its name and provenance: the same network with a cell's inputs in another order is not in
    the space, and ``Sum(x, y)`` and ``Sum(y, x)`` are two genotypes (of one canonical form, see `count_canonical`).

    Indices and samples stay what they are from version to version: they are part of what a seed means.

    Raises:
        BmnasError: the settings make no sense, or leave no genotype; one sentence that names the setting or the cell.

    Example:
        >>> features = [Feature(name=name, modality=name[0]) for name in ("A1", "A2", "B1")]
        >>> space = Space.paper(features, cells=1, steps=1, representation=Representation(channels=8, length=4))
        >>> space.count  # 3 pairs of features, 5 operations, 4 ordered pairs of x and y
        60
        >>> space[59].cells[0].inputs, space.index(space[59])
        (('A2', 'B1'), 59)
    """

    @classmethod
    def paper(
        cls,
        features: Sequence[Feature],
        *,
        representation: Representation,
        cells: int = 2,
        steps: int = 2,
        operations: Sequence[str] = PAPER_POOL,
        **settings: Any,
    ) -> Self:
        """The paper's space (Sections 3.2 and 3.3).

        A cell reads any two features or earlier cells, which no other cell reads together; a step applies one of five
        operations to any two nodes of its cell, or to one of them twice.

        Args:
            features: in their order.
            representation: shape of the nodes.
            cells: N.
            steps: M.
            operations: the pool.
            settings: any other field of the space.
        """
        given = {"cells": cells, "steps": steps, "operations": tuple(operations), "representation": representation}
        return cls(**{"features": tuple(features), "rules": PAPER, **given, **settings})

    @classmethod
    def official(
        cls,
        features: Sequence[Feature],
        *,
        representation: Representation,
        cells: int = 2,
        steps: int = 2,
        operations: Sequence[str] = OFFICIAL_POOL,
        **settings: Any,
    ) -> Self:
        """The space of what the released code can derive.

        A cell reads two features, at least one of which no earlier cell reads; a step applies one of four operations
        (no ``Zero``) to two different nodes of its cell. The arguments are those of `paper`.
        """
        given = {"cells": cells, "steps": steps, "operations": tuple(operations), "representation": representation}
        return cls(**{"features": tuple(features), "rules": OFFICIAL, **given, **settings})

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_sentence(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            space = handler(data)
        except ValidationError as error:
            raise BmnasError(sentence(error, cls.model_fields)) from None
        refuse_impossible(space, lambda: space[0])
        return space

    @property
    def count(self) -> int:
        """How many genotypes the space has, exactly. (There is no ``len``: it could not be greater than 2⁶³.)"""
        return numbering.count(self.sizes)

    def cell_may_read(self, earlier: Sequence[Nodes]) -> Subsets:
        """The sets of nodes that the next cell may read, so that something is left for all cells after it.

        Args:
            earlier: what the cells before it read, each in any order. Nodes are numbered: features, then cells.
        """
        return upper.may_read(self.sizes, earlier)

    def step_may_read(self, m: int) -> Tuples:
        """The inputs that step ``m`` (from 0) of a cell may have: tuples of numbers, first those of the cell's inputs,
        then those of the steps before it."""
        return lower.may_read(self.sizes, m)

    def cells_of(self, choices: Choices) -> tuple[Cell, ...]:
        """The cells that choices stand for. Unlike those of the space's genotypes, they may read their nodes in any
        order, as some searches tell which one is x."""
        return Members(self).cells(choices)

    def __getitem__(self, index: int) -> Genotype:
        """The genotype at an index from 0 to ``count - 1``.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"the space has no genotype {shown(index)}: its indices are 0 to count - 1")
        return Members(self).genotype(numbering.unrank(self.sizes, index))

    def __iter__(self) -> Iterator[Genotype]:  # type: ignore[override]
        """All genotypes, in the order of their indices."""
        members, sizes = Members(self), self.sizes
        return (members.genotype(numbering.unrank(sizes, index)) for index in range(self.count))

    def index(self, genotype: Genotype) -> int:
        """The index of a genotype: ``space[space.index(genotype)]`` is equal to it but for its name and provenance.

        Raises:
            GenotypeError: it is not in the space; the message names the place, and what the space has there.
        """
        return numbering.rank(self.sizes, Members(self).choices(genotype))

    def __contains__(self, genotype: object) -> bool:
        """Whether the genotype, as it is written, is one of the space; its name and provenance do not matter."""
        try:
            return isinstance(genotype, Genotype) and self.index(genotype) >= 0
        except GenotypeError:
            return False

    def random(self, rng: int | Random) -> Genotype:
        """One genotype; every genotype of the space is equally likely."""
        return self.sample(rng, 1)[0]

    def sample(self, rng: int | Random, n: int) -> list[Genotype]:
        """``n`` independent genotypes (so there may be equal ones); every genotype of the space is equally likely.

        Args:
            rng: a generator, or the seed of one: the same seed gives the same genotypes.
            n: how many.
        """
        rng = _generator(rng)
        members, sizes, count = Members(self), self.sizes, self.count
        return [members.genotype(numbering.unrank(sizes, below(count, rng))) for _ in range(n)]

    def neighbours(self, genotype: Genotype) -> Iterator[Genotype]:
        """The genotypes of the space that differ in one choice: the inputs of one cell (their set counts as one
        choice), the operation of one step, or one input of one step. If a is a neighbour of b, b is one of a.

        Raises:
            GenotypeError: the genotype is not in the space.
        """
        members = Members(self)
        neighbours = Neighbours(self.sizes, members.choices(genotype))
        return (members.genotype(neighbours[index]) for index in range(neighbours.count))

    def mutate(self, genotype: Genotype, rng: int | Random) -> Genotype:
        """One of the `neighbours`, each equally likely.

        Raises:
            GenotypeError: the genotype is not in the space.
            BmnasError: it has no neighbours.
        """
        members = Members(self)
        neighbours = Neighbours(self.sizes, members.choices(genotype))
        if not neighbours.count:
            raise BmnasError(f"{genotype.name} cannot be mutated: the space has no genotype that differs in one choice")
        return members.genotype(neighbours[below(neighbours.count, _generator(rng))])

    def crossover(self, a: Genotype, b: Genotype, rng: int | Random) -> Genotype:
        """A child of two genotypes: each cell, with what it reads and its steps, is that of one parent.

        Of all such children that are in the space and differ from both parents, each is equally likely. Where there is
        none, as with parents that differ in one cell, it is one of the parents. Parents that differ in more than ten
        cells may have too many children to list: these are drawn until one is in the space, at most 10,000 times.

        Raises:
            GenotypeError: a parent is not in the space.
        """
        members = Members(self)
        choices = children(self.sizes, members.choices(a), members.choices(b), _generator(rng))
        return members.genotype(choices)

    def count_canonical(self, limit: int = 10_000) -> int:
        """How many different canonical forms the genotypes have, by going through all of them.

        Raises:
            BmnasError: there are more than ``limit`` genotypes.
        """
        from bmnas.genotype.canonical import canonical_hash

        if self.count > limit:
            raise BmnasError(
                f"the space has {shown(self.count)} genotypes, more than the {limit} that may be gone through to count "
                "their canonical forms; give a greater limit or a smaller space"
            )
        return len({canonical_hash(genotype) for genotype in self})


def _generator(rng: int | Random) -> Random:
    if not isinstance(rng, Random | int):
        raise TypeError(f"a seed or a random.Random draws from a space, not {type(rng).__name__}")
    return rng if isinstance(rng, Random) else Random(rng)
