"""Weights of alternatives -> genotype (Eq. 3 and 11). Plain functions on CPU tensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

from bmnas.errors import BmnasError
from bmnas.genotype import INPUT_NAMES, Cell, Feature, Step
from bmnas.searcher.hypernet.mixing import Mixing

Pair = tuple[int, int]
Weights = Sequence[Sequence[float]]
"""Of the predecessors of a node, (I, predecessors): one row for both inputs, or one for x and one for y."""


def derive(
    weights: Mixing,
    k: int = 0,
    *,
    features: Sequence[str],
    operations: Sequence[str],
    cell_outputs: int,
    rule: str = "paper",
) -> tuple[Cell, ...]:
    """The cells that the weights of seed k stand for.

    Args:
        weights: of all alternatives.
        k: which seed.
        features: names of the J features.
        operations: names of the P operations.
        cell_outputs: how many of a cell's last nodes form its output.
        rule: ``"paper"`` or ``"official"``, see `cell_pairs` and `step_pairs`.

    Raises:
        BmnasError: the rule cannot give every cell a pair of its own.
    """
    pairs = cell_pairs([cell_KIE[k].tolist() for cell_KIE in weights.cells], features=len(features), rule=rule)
    inputs = [step_pairs([step_KIE[k].tolist() for step_KIE in steps], rule=rule) for steps in weights.steps]
    best_op_NM = weights.operations[k].argmax(-1).tolist()
    chosen = [list(zip(ops, steps, strict=True)) for ops, steps in zip(best_op_NM, inputs, strict=True)]
    return cells_of(pairs, chosen, features=features, operations=operations, cell_outputs=cell_outputs)


def cells_of(
    pairs: Sequence[Pair],
    steps: Sequence[Sequence[tuple[int, Pair]]],
    *,
    features: Sequence[str],
    operations: Sequence[str],
    cell_outputs: int,
) -> tuple[Cell, ...]:
    """The cells with those choices: what each cell reads; of each step its operation and what it reads; as indices."""
    upper = [*features, *(f"Cell_{n + 1}" for n in range(len(pairs)))]
    found = []
    for n, (pair, chosen) in enumerate(zip(pairs, steps, strict=True)):
        lower = [*INPUT_NAMES[:2], *(f"Step_{m + 1}" for m in range(len(chosen)))]
        found.append(
            Cell(
                name=f"Cell_{n + 1}",
                inputs=tuple(upper[i] for i in pair),
                steps=tuple(
                    Step(name=f"Step_{m + 1}", op=operations[op], inputs=tuple(lower[i] for i in inputs))
                    for m, (op, inputs) in enumerate(chosen)
                ),
                output=tuple(lower[-cell_outputs:]),
            )
        )
    return tuple(found)


def cell_pairs(weights: Sequence[Weights], *, features: int, rule: str) -> list[Pair]:
    """The two nodes that each cell reads: the pair with the greatest product of weights (Eq. 3).

    ``"paper"``: any two earlier nodes, cells included, that no earlier cell reads together (footnote 1).
    ``"official"``: two features, at least one of which no earlier cell reads. Ties go to the lowest indices. With
    weights of their own for x and y the pair has an order; else it is that of the nodes.

    Raises:
        BmnasError: no pair is left; `refuse_underivable` says so before a search.
    """
    taken: list[Pair] = []
    for n, rows in enumerate(weights):
        candidates = allowed_pairs(n, taken, features=features, rule=rule, ordered=len(rows) > 1)
        # max keeps the first of equals, and the candidates are in order.
        taken.append(max(candidates, key=lambda pair: rows[0][pair[0]] * rows[-1][pair[1]]))
    return taken


def allowed_pairs(n: int, taken: Sequence[Pair], *, features: int, rule: str, ordered: bool) -> list[Pair]:
    """What cell n may read after the earlier cells took theirs; ``ordered``: both orders of two nodes.

    Raises:
        BmnasError: nothing.
    """
    used, read = {node for pair in taken for node in pair}, {frozenset(pair) for pair in taken}
    nodes = range(features if rule == "official" else features + n)
    candidates = [
        pair
        for pair in (permutations if ordered else combinations)(nodes, 2)
        if (not used.issuperset(pair) if rule == "official" else frozenset(pair) not in read)
    ]
    if not candidates:
        raise BmnasError(f"no distinct pair of features is left for cell {n + 1} with the {rule} rule")
    return candidates


def step_pairs(weights: Sequence[Weights], *, rule: str) -> list[Pair]:
    """The two nodes that each step of a cell reads; the first is the operation's x (the query).

    With one row of weights: the two greatest, the greater one first. With weights of their own for x and y: the pair
    with the greatest product, which under the paper's rule may be one node twice (footnote 2).
    """
    pairs: list[Pair] = []
    for m, rows in enumerate(weights):
        if len(rows) == 1:
            first, second = sorted(range(2 + m), key=lambda node: -rows[0][node])[:2]
            pairs.append((first, second))
        else:
            candidates = allowed_inputs(m, rule=rule)
            pairs.append(max(candidates, key=lambda pair: rows[0][pair[0]] * rows[1][pair[1]]))
    return pairs


def allowed_inputs(m: int, *, rule: str) -> list[Pair]:
    """What step m of a cell may read, in both orders; under the paper's rule one node twice, too."""
    nodes = range(2 + m)
    return [(i, j) for i in nodes for j in nodes if rule == "paper" or i != j]


def refuse_underivable(features: int, cells: int, rule: str) -> None:
    """Refuse a search whose derivation could run out of distinct pairs, before any training.

    Under the official rule every cell takes one or two features that no earlier cell reads; it is sure to find one
    only while the cells before it, two each, cannot have taken them all.

    Raises:
        BmnasError: with the greatest number of cells that is sure.
    """
    if features < 2:
        raise BmnasError(f"a cell reads two nodes, but there is only {features} feature")
    sure = (features - 1) // 2 + 1
    if rule == "official" and cells > sure:
        raise BmnasError(
            f"the official derivation gives every cell a feature that no earlier cell reads: with {features} features "
            f"that is sure for {sure} cells, not for {cells}; use fewer cells, or the paper's derivation"
        )


def refuse_clashes(features: Sequence[str], cells: int) -> None:
    """Refuse features that have the name of a cell, before any training.

    Raises:
        BmnasError: it names the feature.
    """
    for name in (f"Cell_{n}" for n in range(1, cells + 1)):
        if name in features:
            raise BmnasError(f"feature {name!r} has the name of a cell that a search derives; rename the feature")


def refuse_misfits(features: Sequence[Feature], channels: int) -> None:
    """Refuse features that are used as they are but have other channels than a node, before any training.

    Raises:
        BmnasError: it names the feature.
    """
    for feature in features:
        if feature.reshape == "none" and feature.channels not in (None, channels):
            raise BmnasError(
                f"feature {feature.name!r} has {feature.channels} channels and the reshape 'none', so a search has "
                f"{feature.channels} channels, too, not {channels}; leave --channels out, or reshape it"
            )
