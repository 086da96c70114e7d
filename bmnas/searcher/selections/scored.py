"""Selection by scoring: choices are made one after the other, each by the loss of the hypernet with it switched on.

alpha ranks the features one by one, so that two which say the same come out on top together. The trained hypernet knows
better: with only two predecessors of a cell switched on, its validation loss says what the two are worth together. A
beam of the ``top_k`` best choices is kept, first over what the cells read, then over the steps; the candidates left are
scored as the networks they stand for, with inherited weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Literal

from pydantic import Field

from bmnas.fit.events import Pause
from bmnas.genotype import Genotype
from bmnas.genotype.space.choices import other_orders
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Choice, Partial, Selection
from bmnas.searcher.selections.looking import Looking
from bmnas.searcher.selections.looks import Looks
from bmnas.searcher.selections.masked import Masked
from bmnas.settings import shown


class Scored(Looking):
    """The best choices by the loss of the hypernet with them switched on."""

    kind: Literal["scored"] = "scored"
    top_k: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="How many candidates are kept at every choice.",
        json_schema_extra=shown("candidates"),
    )

    def most_looks(self, problem: Problem) -> int:
        """See `Looking.most_looks`."""
        return _most_looks(problem, self.top_k)

    def select(self, problem: Problem, hypernet: Hypernet, seed: int, looks: Looks) -> Selection:
        """See the file's text. Returns the candidate with the best validation score."""
        return _scored(problem, hypernet, seed, looks, self.top_k)


def _scored(problem: Problem, hypernet: Hypernet, seed: int, looks: Looks, top_k: int) -> Selection:
    masked = Masked(problem, hypernet, looks)
    beam = [Partial()]
    for _ in range(problem.config.cells * (1 + problem.config.steps)):
        ranked = []
        for choices in beam:
            for longer in _continued(choices, problem, masked):
                ranked.append((masked.loss(longer), longer))
                yield Pause()
        beam = _best(ranked, top_k)
        if not beam[0].steps and not masked.shared:
            # Which of them is x makes a small difference: it is asked of the best sets alone.
            turned = [order for choices in beam for order in choices.turned()]
            beam = _best([(masked.loss(each), each) for each in (*beam, *turned)], top_k)
    batches = calibration_batches(problem)
    found: list[tuple[Genotype, float]] = []
    for choices in beam:
        genotype = choices.genotype(problem, seed)
        found.append((genotype, looks(partial(inherited_score, problem, hypernet, genotype, batches))))
        yield Pause()
    (best, score), *others = problem.ranked(found)
    return Choice(best, score, looks.count, tuple(others))


def _most_looks(problem: Problem, top_k: int) -> int:
    """How many looks there are where earlier choices leave a later one all of its own."""
    config, sizes = problem.config, problem.space.sizes
    orders = 1 + sum(1 for _ in other_orders(tuple(range(config.cell_inputs))))
    found, beam = 0, 1
    for n in range(config.cells):
        ways = math.comb(sizes.nodes_before_cell(n), config.cell_inputs)
        kept = min(top_k, beam * ways)
        found, beam = found + beam * ways + kept * orders, kept
    for at in range(config.cells * config.steps):
        ways = sizes.nodes_before_step(at % config.steps) ** config.step_inputs * len(config.operations)
        found, beam = found + beam * ways, min(top_k, beam * ways)
    return found + beam


def _best(ranked: list[tuple[float, Partial]], count: int) -> list[Partial]:
    """Those with the smallest losses; ties go to the choice that was made first."""
    return [choices for _, choices in sorted(ranked, key=lambda entry: entry[0])[:count]]


def _continued(choices: Partial, problem: Problem, masked: Masked) -> Iterator[Partial]:
    """All ways to make the next choice: what the next cell reads, or the next step."""
    config, space = problem.config, problem.space
    if len(choices.reads) < config.cells:
        for nodes in space.cell_may_read(choices.reads).ascending():
            yield choices.with_cell(nodes)
    else:
        tuples = space.step_may_read(len(choices.steps) % config.steps)
        # A hypernet that feeds the same to all inputs cannot tell their order, nor one node from itself.
        for inputs in tuples.sets() if masked.shared else tuples:
            for op in range(len(config.operations)):
                yield choices.with_step(op, inputs)
