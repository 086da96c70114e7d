"""Selection by perturbation (Wang et al., "Rethinking Architecture Selection in Differentiable NAS", ICLR 2021).

An alternative is worth what the hypernet loses without it. Nodes are decided one after the other, in an order drawn at
random as there; a decision stays in force while the next ones are made. There, the hypernet is trained on between two
decisions; here, it is left as it is.
"""

from __future__ import annotations

from random import Random
from typing import Literal

from bmnas.fit.events import Pause
from bmnas.fit.seeding import stream
from bmnas.searcher.derive import Pair, allowed_inputs, allowed_pairs
from bmnas.searcher.hypernet import Hypernet, Mixing
from bmnas.searcher.inherit import calibration_batches, inherited_score
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Choice, Partial, Selection
from bmnas.searcher.selections.looks import Looks
from bmnas.searcher.selections.masked import Masked, without
from bmnas.searcher.settings import SelectionSettings


class Perturbation(SelectionSettings):
    """The alternatives without which the hypernet loses most."""

    kind: Literal["perturbation"] = "perturbation"

    def select(self, problem: Problem, hypernet: Hypernet, seed: int, looks: Looks) -> Selection:
        """See the file's text. Returns the genotype and its score with inherited weights."""
        return _perturbation(problem, hypernet, seed, looks)


def _perturbation(problem: Problem, hypernet: Hypernet, seed: int, looks: Looks) -> Selection:
    config = problem.config
    masked = Masked(problem, hypernet, looks)
    choices = Partial()
    # What cells read depends on what earlier cells read, so cells keep their order; steps are drawn.
    for n in range(config.cells):
        losses = []
        mixing = masked.mixing(choices)
        for node in range(len(problem.task.features) + n):
            cells = [*mixing.cells[:n], without(mixing.cells[n], node), *mixing.cells[n + 1 :]]
            losses.append(masked.loss_of(mixing._replace(cells=tuple(cells))))
            yield Pause()
        pairs = allowed_pairs(n, choices.pairs, features=len(problem.task.features), rule=config.derive, ordered=False)
        choices = choices.with_pair(max(pairs, key=lambda pair: losses[pair[0]] + losses[pair[1]]))
    decided: dict[tuple[int, int], tuple[int, Pair]] = {}
    order = [(n, m) for n in range(config.cells) for m in range(config.steps)]
    Random(stream(seed, "perturbation")).shuffle(order)
    for n, m in order:
        mixing = masked.mixing(choices)
        for (i, j), (op, inputs) in decided.items():
            mixing = _with_step(masked, mixing, i, j, op, inputs)
        by_op, by_node = [], []
        for op in range(len(config.operations)):
            operations = mixing.operations.clone()
            operations[:, n, m] = without(operations[:, n, m], op)
            by_op.append(masked.loss_of(mixing._replace(operations=operations)))
            yield Pause()
        for node in range(2 + m):
            by_node.append(masked.loss_of(_with_inputs(mixing, n, m, without(mixing.steps[n][m], node))))
            yield Pause()
        pairs = [pair for pair in allowed_inputs(m, rule=config.derive) if pair[0] != pair[1]]
        best_op = max(range(len(by_op)), key=by_op.__getitem__)
        decided[n, m] = (best_op, max(pairs, key=lambda pair: (by_node[pair[0]] + by_node[pair[1]], by_node[pair[0]])))
    for at in sorted(decided):
        choices = choices.with_step(*decided[at])
    genotype = choices.genotype(problem, seed)
    score = looks(lambda: inherited_score(problem, hypernet, genotype, calibration_batches(problem)))
    return Choice(genotype, score, looks.count)


def _with_step(masked: Masked, mixing: Mixing, n: int, m: int, op: int, inputs: Pair) -> Mixing:
    operations = mixing.operations.clone()
    operations[:, n, m] = 0
    operations[:, n, m, op] = 1
    return _with_inputs(mixing._replace(operations=operations), n, m, masked.certain(inputs, mixing.steps[n][m]))


def _with_inputs(mixing: Mixing, n: int, m: int, weights_1IE: object) -> Mixing:
    steps = [list(row) for row in mixing.steps]
    steps[n][m] = weights_1IE  # type: ignore[call-overload]
    return mixing._replace(steps=tuple(tuple(row) for row in steps))
