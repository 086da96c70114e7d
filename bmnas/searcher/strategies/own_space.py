"""What strategies share whose networks are of a form of their own, as systems of the literature have it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from random import Random
from typing import ClassVar

from bmnas.genotype import Cell, Genotype, dumps, loads
from bmnas.searcher.strategies.on_candidates import OnCandidates


class OwnSpace(OnCandidates):
    """Candidates are cells of the subclass's making, the last of which is the output, beside the problem's anchor.

    They are in the paper dialect: a cell of one step computes that step's equation and nothing else, so that what is
    trained is the system as its authors describe it, without residuals and norms that it does not have.
    """

    class Settings(OnCandidates.Settings):
        """Those of strategies on candidates. Cells, steps, operations and rules of a space do not count."""

        own_space: ClassVar[bool] = True

    @abstractmethod
    def _any(self, random: Random) -> Genotype:
        """See `OnCandidates._any`."""

    def _genotype(self, cells: Sequence[Cell]) -> Genotype:
        """The network of these cells."""
        anchor = self.problem.anchor.names if self.problem.anchor else ()
        genotype = self.problem.genotype(tuple(cells), self.problem.config.seed)
        return genotype.replace(dialect="paper", output=(*anchor, cells[-1].name))

    def _written(self, genotype: Genotype) -> str:
        return dumps(genotype)

    def _read(self, written: str) -> Genotype:
        return loads(written)

    def _result(self, genotype: Genotype) -> Genotype:
        return genotype
