"""What the selections share that look at a trained hypernet."""

from __future__ import annotations

from abc import abstractmethod

from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Selection
from bmnas.searcher.selections.looks import Looks
from bmnas.searcher.settings import SelectionSettings


class Looking(SelectionSettings):
    """A selection that looks at the hypernet after the last epoch."""

    def most_looks(self, problem: Problem) -> int:
        """About how much it looks at for one seed; 0 where nobody knows before."""
        return 0

    @abstractmethod
    def select(self, problem: Problem, hypernet: Hypernet, seed: int, looks: Looks) -> Selection:
        """Select a genotype.

        Args:
            problem: what is searched on.
            hypernet: of one seed, as it is after its last step.
            seed: its own.
            looks: takes what is measured, and has what was measured before the same selection was stopped.

        Returns:
            A generator of pauses that returns a `Choice`.
        """
