"""What a selection gives, and the choices it is made of."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from bmnas.fit.events import Event
from bmnas.genotype import Genotype
from bmnas.genotype.space.choices import CellChoice, Nodes, StepChoice, other_orders
from bmnas.searcher.problem import Problem


@dataclass(frozen=True)
class Choice:
    """A selected genotype.

    Attributes:
        genotype: the genotype.
        score: of its network on the validation split, with inherited weights.
        candidates: how many genotypes, whole or in part, were scored for it.
        others: the next best ones and their scores, the best of them first.
    """

    genotype: Genotype
    score: float
    candidates: int
    others: tuple[tuple[Genotype, float], ...] = ()


Selection = Generator[Event, None, Choice]


@dataclass(frozen=True)
class Partial:
    """Choices in the order in which they are made: what cells read, then operation and inputs of each step.

    Attributes:
        reads: of the first cells, the nodes that they read, in the order of their inputs.
        steps: operation and inputs of the first steps, those of the first cell first.
    """

    reads: tuple[Nodes, ...] = ()
    steps: tuple[StepChoice, ...] = ()

    def with_cell(self, nodes: Nodes) -> Partial:
        """One more cell's inputs."""
        return replace(self, reads=(*self.reads, nodes))

    def turned(self) -> Iterator[Partial]:
        """The last cell's inputs in other orders."""
        return (replace(self, reads=(*self.reads[:-1], order)) for order in other_orders(self.reads[-1]))

    def with_step(self, operation: int, inputs: Nodes) -> Partial:
        """One more step."""
        return replace(self, steps=(*self.steps, StepChoice(operation, inputs)))

    def genotype(self, problem: Problem, seed: int) -> Genotype:
        """The genotype, where all choices are made."""
        steps = problem.config.steps
        inside = (self.steps[at : at + steps] for at in range(0, len(self.steps), steps))
        cells = problem.space.cells_of(tuple(map(CellChoice, self.reads, inside)))
        return problem.genotype(cells, seed)
