"""What a selection gives, and the choices it is made of."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from bmnas.fit.events import Event
from bmnas.genotype import Genotype
from bmnas.searcher.derive import Pair, cells_of
from bmnas.searcher.problem import Problem


@dataclass(frozen=True)
class Choice:
    """A selected genotype.

    Attributes:
        genotype: the genotype.
        score: of its network on the validation split, with inherited weights.
        candidates: how many genotypes, whole or in part, were scored for it.
    """

    genotype: Genotype
    score: float
    candidates: int


Selection = Generator[Event, None, Choice]


@dataclass(frozen=True)
class Partial:
    """Choices in the order in which they are made: what cells read, then operation and inputs of each step.

    Attributes:
        pairs: of the first cells, what they read.
        steps: (operation, inputs) of the first steps, those of the first cell first.
    """

    pairs: tuple[Pair, ...] = ()
    steps: tuple[tuple[int, Pair], ...] = ()

    def with_pair(self, pair: Pair) -> Partial:
        """One more cell's inputs."""
        return replace(self, pairs=(*self.pairs, pair))

    def turned(self) -> Partial:
        """The last cell's inputs the other way round."""
        return replace(self, pairs=(*self.pairs[:-1], self.pairs[-1][::-1]))

    def with_step(self, op: int, inputs: Pair) -> Partial:
        """One more step."""
        return replace(self, steps=(*self.steps, (op, inputs)))

    def genotype(self, problem: Problem, seed: int) -> Genotype:
        """The genotype, where all choices are made."""
        config = problem.config
        cells = [self.steps[n * config.steps : (n + 1) * config.steps] for n in range(config.cells)]
        names = [feature.name for feature in problem.task.features]
        return problem.genotype(
            cells_of(self.pairs, cells, features=names, operations=config.operations, cell_outputs=config.cell_outputs),
            seed,
        )
