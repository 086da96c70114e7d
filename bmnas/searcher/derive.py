"""alpha, beta, gamma -> genotype (Eq. 3 and 11). Plain functions on CPU tensors of one seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from torch import Tensor

from bmnas.genotype import INPUT_NAMES, BmnasError, Cell, Feature, Step
from bmnas.searcher.hypernet import SKIP

Pair = tuple[int, int]


def derive(
    alpha_E2: Tensor,
    beta_NE2: Tensor,
    gamma_NMP: Tensor,
    *,
    features: Sequence[str],
    operations: Sequence[str],
    cell_outputs: int,
    rule: str = "paper",
) -> tuple[Cell, ...]:
    """The cells that architecture parameters of one seed stand for.

    Args:
        alpha_E2: logits of the edges into cells, rows as in `hypernet.Hypernet`.
        beta_NE2: logits of the edges into steps.
        gamma_NMP: logits of the operations of steps.
        features: names of the J features.
        operations: names of the P operations.
        cell_outputs: how many of a cell's last nodes form its output.
        rule: ``"paper"`` or ``"official"``, see `cell_pairs`.

    Raises:
        BmnasError: the rule cannot give every cell a pair of its own.
    """
    cells, steps = gamma_NMP.shape[:2]
    pairs = cell_pairs(alpha_E2.softmax(-1)[:, SKIP].tolist(), features=len(features), cells=cells, rule=rule)
    upper = [*features, *(f"Cell_{n}" for n in range(1, cells + 1))]
    lower = [*INPUT_NAMES[:2], *(f"Step_{m}" for m in range(1, steps + 1))]
    beta_NE = beta_NE2.softmax(-1)[..., SKIP].tolist()
    best_op_NM = gamma_NMP.argmax(-1).tolist()
    return tuple(
        Cell(
            name=f"Cell_{n + 1}",
            inputs=tuple(upper[i] for i in pair),
            steps=tuple(
                Step(name=f"Step_{m + 1}", op=operations[best_op_NM[n][m]], inputs=tuple(lower[i] for i in inputs))
                for m, inputs in enumerate(step_pairs(beta_NE[n], steps))
            ),
            output=tuple(lower[-cell_outputs:]),
        )
        for n, pair in enumerate(pairs)
    )


def cell_pairs(weights: Sequence[float], *, features: int, cells: int, rule: str) -> list[Pair]:
    """The two nodes that each cell reads: the pair with the greatest product of edge weights (Eq. 3).

    ``"paper"``: any two earlier nodes, cells included, that no earlier cell reads together (footnote 1).
    ``"official"``: two features, at least one of which no earlier cell reads. Ties go to the lowest indices.

    Raises:
        BmnasError: no pair is left; `refuse_underivable` says so before a search.
    """
    taken: list[Pair] = []
    start = 0
    for n in range(cells):
        row = weights[start : start + features + n]
        start += features + n
        used = {node for pair in taken for node in pair}
        candidates = [
            pair
            for pair in combinations(range(features if rule == "official" else features + n), 2)
            if (not used.issuperset(pair) if rule == "official" else pair not in taken)
        ]
        if not candidates:
            raise BmnasError(f"no distinct pair of features is left for cell {n + 1} with the {rule} rule")
        # max keeps the first of equals, and combinations are in order.
        taken.append(max(candidates, key=lambda pair: row[pair[0]] * row[pair[1]]))
    return taken


def step_pairs(weights: Sequence[float], steps: int) -> list[Pair]:
    """The two nodes that each step of a cell reads, the greater weight first: it is the operation's x (the query)."""
    pairs: list[Pair] = []
    start = 0
    for m in range(steps):
        row = weights[start : start + 2 + m]
        start += 2 + m
        first, second = sorted(range(2 + m), key=lambda node: -row[node])[:2]
        pairs.append((first, second))
    return pairs


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
