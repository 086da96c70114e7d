"""How far a search has collapsed into operations that have nothing to learn (RobustDARTS, Zela et al. 2020)."""

from __future__ import annotations

from bmnas.genotype import Genotype

# Operations without weights; one of a user's own counts as having some.
PARAMETER_FREE = frozenset({"Zero", "Sum", "Mul", "Max", "Mean", "Attention"})


def parameter_free(genotype: Genotype) -> float:
    """Share of the steps whose operation has no weights: where it nears 1, a search has collapsed."""
    ops = [step.op for cell in genotype.cells for step in cell.steps]
    return sum(op in PARAMETER_FREE for op in ops) / len(ops)
