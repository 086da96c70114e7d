"""The weights with which a hypernet mixes its alternatives, by name, for whoever looks at a search."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.genotype import INPUT_NAMES
from bmnas.searcher.events import CellMixing, MixingDone
from bmnas.searcher.hypernet import Mixing
from bmnas.searcher.problem import Problem

_DIGITS = 5  # more of them say nothing, and make files larger


def mixing_told(weights: Mixing, k: int, problem: Problem) -> MixingDone:
    """Those of seed k.

    Args:
        weights: of all seeds.
        k: which seed.
        problem: what is searched on.
    """
    config = problem.config
    features = [feature.name for feature in problem.features]
    cells = []
    for n, (into_cell, into_steps) in enumerate(zip(weights.cells, weights.steps, strict=True)):
        inner = INPUT_NAMES[: config.cell_inputs]
        cells.append(
            CellMixing(
                inputs=_by_input(into_cell[k].tolist(), [*features, *(f"Cell_{i + 1}" for i in range(n))]),
                steps=tuple(
                    _by_input(rows[k].tolist(), [*inner, *(f"Step_{i + 1}" for i in range(m))])
                    for m, rows in enumerate(into_steps)
                ),
                operations=tuple(_named(row, config.operations) for row in weights.operations[k, n].tolist()),
            )
        )
    return MixingDone(cells=tuple(cells))


def _by_input(rows: Sequence[Sequence[float]], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Of x, y, ... each; or of all together, where they share one mixture."""
    inputs = INPUT_NAMES[: len(rows)] if len(rows) > 1 else ("all",)
    return {name: _named(row, names) for name, row in zip(inputs, rows, strict=True)}


def _named(values: Sequence[float], names: Sequence[str]) -> dict[str, float]:
    return {name: round(value, _DIGITS) for name, value in zip(names, values, strict=True)}
