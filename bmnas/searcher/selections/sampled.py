"""Selection by sampling: genotypes drawn from the space, each scored with inherited weights (Li and Talwalkar 2019)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from random import Random
from typing import Literal

from pydantic import Field

from bmnas.fit.events import Pause
from bmnas.fit.seeding import stream
from bmnas.searcher.candidate import Distinct
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Choice, Selection
from bmnas.searcher.selections.looking import Looking
from bmnas.searcher.selections.looks import Looks
from bmnas.settings import shown


class Sampled(Looking):
    """The best of random genotypes, no two of which compute the same, by validation score."""

    kind: Literal["sampled"] = "sampled"
    samples: int = Field(
        default=100,
        ge=1,
        description="How many genotypes are drawn and scored; fewer where the space has no more.",
        json_schema_extra=shown("genotypes"),
    )

    def most_looks(self, problem: Problem) -> int:
        """See `Looking.most_looks`."""
        return min(self.samples, problem.space.count)

    def select(self, problem: Problem, hypernet: Hypernet, seed: int, looks: Looks) -> Selection:
        """See the file's text."""
        return _sampled(problem, hypernet, seed, looks, self.samples)


def _sampled(problem: Problem, hypernet: Hypernet, seed: int, looks: Looks, samples: int) -> Selection:
    batches, space, random = calibration_batches(problem), problem.space, Random(stream(seed, "samples"))
    distinct = Distinct()
    best: Choice | None = None
    while looks.count < samples and (genotype := distinct.first_new(lambda: space.random(random))):
        score = looks(partial(inherited_score, problem, hypernet, genotype, batches))
        if best is None or problem.better(score, best.score):
            best = Choice(problem.genotype(genotype.cells, seed), score, looks.count)
        yield Pause()
    assert best is not None
    return replace(best, candidates=looks.count)
