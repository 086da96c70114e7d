"""How far a search has collapsed into operations that have nothing to learn (RobustDARTS, Zela et al. 2020)."""

from __future__ import annotations

from bmnas.genotype import Genotype
from bmnas.genotype.lookup import find


def parameter_free(genotype: Genotype) -> float:
    """Share of the steps whose operation says that it has no weights: where it nears 1, a search has collapsed."""
    steps = [step for cell in genotype.cells for step in cell.steps]
    return sum(not find(step.op).weights for step in steps) / len(steps)
