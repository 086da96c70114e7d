"""Selection by sampling: genotypes drawn from the space, each scored with inherited weights (Li and Talwalkar 2019)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from random import Random

from bmnas.fit.events import Pause
from bmnas.fit.seeding import stream
from bmnas.searcher.candidate import Distinct
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Choice, Selection
from bmnas.searcher.selections.looks import Looks


def sampled(problem: Problem, hypernet: Hypernet, seed: int, looks: Looks) -> Selection:
    """The best of ``samples`` random genotypes, no two of which compute the same, by validation score.

    There are fewer where the space has no more.
    """
    batches, space, random = calibration_batches(problem), problem.space, Random(stream(seed, "samples"))
    distinct = Distinct(space)
    best: Choice | None = None
    while looks.count < problem.config.samples and (genotype := distinct.first_new(lambda: space.random(random))):
        score = looks(partial(inherited_score, problem, hypernet, genotype, batches))
        if best is None or problem.better(score, best.score):
            best = Choice(problem.genotype(genotype.cells, seed), score, looks.count)
        yield Pause()
    assert best is not None
    return replace(best, candidates=looks.count)
