"""Regularised evolution (Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019).

The population is the latest `population` candidates: each new one takes the place of the oldest, not of the worst. The
first population is random. A parent is the best of a tournament, `tournament` candidates drawn from the population with
replacement. Unlike there, a child may have two parents.
"""

from __future__ import annotations

from random import Random
from typing import Literal

from pydantic import Field

from bmnas.genotype import Genotype
from bmnas.genotype.numbers import below
from bmnas.searcher.settings import SearchSettings
from bmnas.searcher.strategies.on_candidates import OnCandidates, Scored
from bmnas.settings import shown

_CROSSED = 4  # one child in so many has two parents; the others are mutations


class Evolution(OnCandidates):
    """A child is a parent with one choice changed, or now and then has each of its cells from one of two parents."""

    class Settings(OnCandidates.Settings):
        """Those of strategies on candidates, and the population."""

        kind: Literal["evolution"] = "evolution"
        population: int = Field(
            default=8,
            ge=2,
            description="How many of the latest candidates can be parents.",
            json_schema_extra=shown("candidates"),
        )
        tournament: int = Field(
            default=3,
            ge=1,
            description="Of how many candidates a parent is the best.",
            json_schema_extra=shown("candidates"),
        )

        def check(self, shared: SearchSettings) -> None:
            """See `StrategySettings.check`."""
            most = self.most_trainings(shared)
            if most and most <= self.population:
                raise ValueError(
                    f"evolution begins with a random population of {self.population}, so that of {most} trainings none "
                    "is left for its children: use a greater budget_trainings, or a smaller population"
                )

    settings: Settings

    @property
    def population(self) -> list[Scored]:
        """The candidates that can be parents, the oldest one first."""
        return self.done[-self.settings.population :]

    def _draw(self, random: Random) -> Genotype:
        if len(self.done) < self.settings.population:
            return self.space.random(random)
        if below(_CROSSED, random) == 0:
            return self.space.crossover(self._parent(random), self._parent(random), random)
        parent = self._parent(random)
        # In the smallest spaces a genotype may have no neighbours.
        alone = next(self.space.neighbours(parent), None) is None
        return self.space.random(random) if alone else self.space.mutate(parent, random)

    def _parent(self, random: Random) -> Genotype:
        """The winner of a tournament; of equals, the one drawn first."""
        population = self.population
        best = population[below(len(population), random)]
        for _ in range(self.settings.tournament - 1):
            other = population[below(len(population), random)]
            best = other if self.problem.better(other.score, best.score) else best
        return best.genotype
