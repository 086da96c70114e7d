"""Selection by perturbation (Wang et al., "Rethinking Architecture Selection in Differentiable NAS", ICLR 2021).

An alternative is worth what the hypernet loses without it. Nodes are decided one after the other, in an order drawn at
random as there; a decision stays in force while the next ones are made. There, the hypernet is trained on between two
decisions; here, it is left as it is.
"""

from __future__ import annotations

from operator import add
from random import Random
from typing import Literal

from bmnas.fit.events import Pause
from bmnas.fit.seeding import stream
from bmnas.genotype.space.choices import StepChoice
from bmnas.searcher.hypernet import Hypernet, Mixing
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Choice, Partial, Selection
from bmnas.searcher.selections.looking import Looking
from bmnas.searcher.selections.looks import Looks
from bmnas.searcher.selections.masked import Masked, without


class Perturbation(Looking):
    """The alternatives without which the hypernet loses most."""

    kind: Literal["perturbation"] = "perturbation"

    def most_looks(self, problem: Problem) -> int:
        """See `Looking.most_looks`."""
        config, sizes = problem.config, problem.space.sizes
        of_steps = sum(len(config.operations) + sizes.nodes_before_step(m) for m in range(config.steps))
        return sum(sizes.nodes_before_cell(n) + of_steps for n in range(config.cells)) + 1

    def select(self, problem: Problem, hypernet: Hypernet, seed: int, looks: Looks) -> Selection:
        """See the file's text. Returns the genotype and its score with inherited weights."""
        return _perturbation(problem, hypernet, seed, looks)


def _perturbation(problem: Problem, hypernet: Hypernet, seed: int, looks: Looks) -> Selection:
    config, space = problem.config, problem.space
    masked = Masked(problem, hypernet, looks)
    choices = Partial()
    # What cells read depends on what earlier cells read, so cells keep their order; steps are drawn.
    for n in range(config.cells):
        losses = []
        mixing = masked.mixing(choices)
        for node in range(space.sizes.nodes_before_cell(n)):
            cells = [*mixing.cells[:n], without(mixing.cells[n], node), *mixing.cells[n + 1 :]]
            losses.append(masked.loss_of(mixing._replace(cells=tuple(cells))))
            yield Pause()
        choices = choices.with_cell(space.cell_may_read(choices.reads).greatest(losses, combine=add))
    decided: dict[tuple[int, int], StepChoice] = {}
    order = [(n, m) for n in range(config.cells) for m in range(config.steps)]
    Random(stream(seed, "perturbation")).shuffle(order)
    for n, m in order:
        mixing = masked.mixing(choices)
        for (i, j), step in decided.items():
            mixing = _with_step(masked, mixing, i, j, step)
        by_op, by_node = [], []
        for op in range(len(config.operations)):
            operations = mixing.operations.clone()
            operations[:, n, m] = without(operations[:, n, m], op)
            by_op.append(masked.loss_of(mixing._replace(operations=operations)))
            yield Pause()
        for node in range(space.sizes.nodes_before_step(m)):
            by_node.append(masked.loss_of(_with_inputs(mixing, n, m, without(mixing.steps[n][m], node))))
            yield Pause()
        best_op = max(range(len(by_op)), key=by_op.__getitem__)
        decided[n, m] = StepChoice(best_op, space.step_may_read(m).greatest(by_node))
    for at in sorted(decided):
        choices = choices.with_step(*decided[at])
    genotype = choices.genotype(problem, seed)
    score = looks(lambda: inherited_score(problem, hypernet, genotype, calibration_batches(problem)))
    return Choice(genotype, score, looks.count)


def _with_step(masked: Masked, mixing: Mixing, n: int, m: int, step: StepChoice) -> Mixing:
    operations = mixing.operations.clone()
    operations[:, n, m] = 0
    operations[:, n, m, step.operation] = 1
    return _with_inputs(mixing._replace(operations=operations), n, m, masked.certain(step.inputs, mixing.steps[n][m]))


def _with_inputs(mixing: Mixing, n: int, m: int, weights_1IE: object) -> Mixing:
    steps = [list(row) for row in mixing.steps]
    steps[n][m] = weights_1IE  # type: ignore[call-overload]
    return mixing._replace(steps=tuple(tuple(row) for row in steps))
