"""Random search: genotypes drawn uniformly from the space. What any other strategy has to beat."""

from __future__ import annotations

from random import Random
from typing import Literal

from bmnas.genotype import Genotype
from bmnas.searcher.strategies.on_candidates import OnCandidates


class RandomSearch(OnCandidates):
    """Every genotype of the space is equally likely, until one that computes the same has been trained."""

    class Settings(OnCandidates.Settings):
        """Those of strategies on candidates."""

        kind: Literal["random"] = "random"

    def _draw(self, random: Random) -> Genotype:
        return self.space.random(random)
